package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/metering"
	"github.com/hypercloud/hyper/internal/store"
)

// The ledger that is measured: as many accounts as that, and all their entries in one month.
const (
	meteredAccounts = 1000
	meteredMonth    = "2026-10"
)

// bills prints what the ledger costs: the bill of one account among many, and what a start of a container waits longer for it.
func bills(samples, entries int) error {
	dir, err := os.MkdirTemp("/var/tmp", "hyper-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "hyper.db")
	if err := fillLedger(path, entries); err != nil {
		return err
	}
	begin := time.Now()
	st, err := store.Open(path)
	if err != nil {
		return err
	}
	defer st.Close()
	fmt.Printf("%-58s %10s\n", fmt.Sprintf("metering, %d entries of %d accounts", entries, meteredAccounts), "ms")
	figure("hyperd's opening of the database", time.Since(begin))
	accounts := st.Accounts()
	var first, again []time.Duration
	var n int
	for i := range samples {
		a := accounts[(i*37)%len(accounts)].Ref
		for _, list := range []*[]time.Duration{&first, &again} {
			begin := time.Now()
			if n, err = billOnce(st, a); err != nil {
				return err
			}
			*list = append(*list, time.Since(begin))
		}
	}
	figure(fmt.Sprintf("a month's bill of an account, of %d entries", n), median(first))
	figure("the same bill once more", median(again))
	return meteredStarts(st, accounts[0].Ref, max(samples, 50))
}

func figure(name string, d time.Duration) { fmt.Printf("%-58s %10.2f\n", name, ms(d)) }

// meteredStarts measures a start's record in the store, which opens a meter, and its end, which closes it, beside a record of the same
// container that has nothing to do with its use.
func meteredStarts(st *store.Store, a account.Ref, samples int) error {
	ctx := context.Background()
	c := store.Container{
		ID: "bench", Name: "bench", ImageID: "sha256:0", Phase: store.Ready, CreatedAt: time.Now(), Spec: store.ContainerSpec{Size: "s4"},
		State: store.ContainerState{Status: store.StatusExited},
	}
	put := func() (time.Duration, error) {
		begin := time.Now()
		err := st.Update(ctx, a, func(tx *store.Tx) error { return tx.PutContainer(c) })
		return time.Since(begin), err
	}
	var plain, metered []time.Duration
	for i := range samples {
		c.State.ExitCode = i
		took, err := put()
		plain = append(plain, took)
		for _, status := range []store.Status{store.StatusRunning, store.StatusExited} {
			c.State.Status, c.State.StartedAt = status, time.Now()
			took, failed := put()
			err = errors.Join(err, failed)
			metered = append(metered, took)
		}
		if err != nil {
			return err
		}
	}
	p, m := median(plain), median(metered)
	fmt.Printf("%-58s %10.2f  %.2f of a record without use, %.2f ms more\n", "a start's or an end's record in the store", ms(m), float64(m)/float64(p), ms(m-p))
	return nil
}

// fillLedger makes a database with accounts and entries.
func fillLedger(path string, entries int) error {
	st, err := store.Open(path)
	if err != nil {
		return err
	}
	for i := range meteredAccounts {
		if _, err := st.CreateAccount(context.Background(), fmt.Sprintf("account%d", i)); err != nil {
			return errors.Join(err, st.Close())
		}
	}
	accounts := st.Accounts()
	if err := st.Close(); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	month, err := time.Parse("2006-01", meteredMonth)
	if err != nil {
		return err
	}
	if _, err := db.Exec("PRAGMA synchronous = OFF"); err != nil {
		return err
	}
	each := entries / len(accounts)
	for _, a := range accounts {
		// Seven of ten entries are runs of containers, from half a minute to an hour; the others are what is stored, and addresses.
		_, err := db.Exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			INSERT INTO ledger SELECT ?, i,
				CASE i % 10 WHEN 7 THEN 'rootfs' WHEN 8 THEN 'volume' WHEN 9 THEN CASE i % 3 WHEN 0 THEN 'image' WHEN 1 THEN 'snapshot' ELSE 'fip' END ELSE 'container' END,
				CASE WHEN i % 10 = 9 AND i % 3 = 2 THEN '198.18.0.' || (i % 250) ELSE printf('%064x', i / 3) END,
				'name' || (i / 3),
				CASE WHEN i % 10 < 7 THEN CASE i % 4 WHEN 0 THEN 's1' WHEN 1 THEN 's4' WHEN 2 THEN 'm1' ELSE 'l3' END ELSE '' END,
				CASE WHEN i % 10 < 7 OR i % 10 = 9 AND i % 3 = 2 THEN 1 ELSE 10 END,
				? + i * ?, ? + i * ? + 30000 + (i * 7919) % 3600000,
				CASE WHEN i % 10 = 9 AND i % 3 = 2 THEN 0 ELSE 10000 END, '', ''
			FROM n`, each, a.Ref.ID(), month.UnixMilli(), 2_600_000_000/each, month.UnixMilli(), 2_600_000_000/each)
		if err != nil {
			return err
		}
	}
	return nil
}

// billOnce reads what a bill is made of, and makes it. It returns of how many entries it was.
func billOnce(st *store.Store, a account.Ref) (int, error) {
	month, err := time.Parse("2006-01", meteredMonth)
	if err != nil {
		return 0, err
	}
	until := month.AddDate(0, 1, 0)
	v := st.View(a)
	list, err := st.Ledger(context.Background(), v, month, until)
	if err != nil {
		return 0, err
	}
	_, err = metering.Charges(append(list, v.Meters(st.Now())...), metering.Original(), month, until, metering.ByPrice)
	return len(list), err
}
