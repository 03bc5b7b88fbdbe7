package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/hypercloud/hyper/internal/metering"
)

// LedgerSeq is the place of the account's last entry in its ledger.
func (v *View) LedgerSeq() int64 { return v.ledgerSeq }

const ledgerColumns = "SELECT seq, kind, resource, name, class, quantity, started, ended, least, amount, note FROM ledger "

// Ledger reads the closed entries of the view's account, up to the view's LedgerSeq, of which something is charged in [since, until), in order of
// their places. With v.Meters it is all that the account has used. It does not keep writers waiting.
func (s *Store) Ledger(ctx context.Context, v *View, since, until time.Time) ([]metering.Entry, error) {
	var list []metering.Entry
	err := s.EachEntry(ctx, v, since, until, func(e metering.Entry) error {
		list = append(list, e)
		return nil
	})
	return list, err
}

// EachEntry calls fn for what Ledger lists, one after the other, and ends with the first error of fn.
func (s *Store) EachEntry(ctx context.Context, v *View, since, until time.Time, fn func(metering.Entry) error) error {
	// What is charged may end as much after the interval as is charged at least.
	rows, err := s.reader.QueryContext(ctx, ledgerColumns+"WHERE account = ? AND ended >= ? AND started < ? AND seq <= ? ORDER BY seq",
		v.account.ID(), since.Add(-metering.Least).UnixMilli(), until.UnixMilli(), v.ledgerSeq)
	return readEntries(rows, err, func(e metering.Entry) error {
		if charged := e.Until(); !charged.After(since) && !e.Start.Equal(since) {
			return nil
		}
		return fn(e)
	})
}

// LedgerAfter reads the closed entries with places after seq and up to the view's LedgerSeq.
func (s *Store) LedgerAfter(ctx context.Context, v *View, seq int64) ([]metering.Entry, error) {
	if seq >= v.ledgerSeq {
		return nil, nil
	}
	rows, err := s.reader.QueryContext(ctx, ledgerColumns+"WHERE account = ? AND seq > ? AND seq <= ? ORDER BY seq", v.account.ID(), seq, v.ledgerSeq)
	var list []metering.Entry
	err = readEntries(rows, err, func(e metering.Entry) error {
		list = append(list, e)
		return nil
	})
	return list, err
}

func readEntries(rows *sql.Rows, err error, fn func(metering.Entry) error) error {
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e metering.Entry
		var started, ended, least int64
		if err := rows.Scan(&e.Seq, &e.Kind, &e.Resource, &e.Name, &e.Class, &e.Quantity, &started, &ended, &least, &e.Amount, &e.Note); err != nil {
			return fmt.Errorf("read the ledger: %w", err)
		}
		e.Start, e.End, e.Least = time.UnixMilli(started).UTC(), time.UnixMilli(ended).UTC(), time.Duration(least)*time.Millisecond
		if err := fn(e); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	return nil
}

// Correct adds a correction to the account's ledger, at the present time. The amount is a decimal such as -1.50.
func (tx *Tx) Correct(amount, note string) (metering.Entry, error) {
	now := tx.store.Now()
	e := metering.Entry{Kind: metering.Correction, Quantity: 1, Start: now, End: now, Amount: amount, Note: note}
	if err := tx.append(e); err != nil {
		return metering.Entry{}, err
	}
	e.Seq = tx.ledgerSeq
	return e, nil
}

func loadLedgerSeqs(ctx context.Context, conn *sql.Conn, views map[string]*View) error {
	for id, v := range views {
		var err error
		if v.ledgerSeq, err = lastSeq(ctx, conn, id); err != nil {
			return err
		}
	}
	return nil
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func lastSeq(ctx context.Context, q querier, account string) (seq int64, err error) {
	err = q.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM ledger WHERE account = ?", account).Scan(&seq)
	return seq, err
}
