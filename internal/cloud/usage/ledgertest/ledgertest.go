// Package ledgertest gives tests accounts that use something, on a clock that the test turns. The store, and so the ledger, is the real one.
package ledgertest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

// World is a store whose time stands still but for Pass.
type World struct {
	*testing.T

	Store *store.Store
	Ref   account.Ref // of ann
	path  string
	now   atomic.Int64 // nanoseconds since 1970
	// booted is when the machine was.
	booted time.Time
}

// New begins at a time, with the account ann.
func New(t *testing.T, at time.Time) *World {
	t.Helper()
	w := &World{T: t, path: filepath.Join(t.TempDir(), "hyper.db"), booted: at.Add(-time.Hour)}
	w.now.Store(at.UnixNano())
	w.open()
	t.Cleanup(func() { _ = w.Store.Close() })
	w.Ref = w.Account("ann")
	return w
}

func (w *World) open() {
	w.Helper()
	st, err := store.OpenAt(w.path, store.Clock{
		Wall: w.Time,
		Boot: func() time.Duration { return w.Time().Sub(w.booted) },
		ID:   func() (string, error) { return w.booted.String(), nil },
	})
	if err != nil {
		w.Fatal(err)
	}
	w.Store = st
}

// Reopen is a restart of hyperd, which was away for a while.
func (w *World) Reopen(away time.Duration) {
	w.Helper()
	if err := w.Store.Close(); err != nil {
		w.Fatal(err)
	}
	w.Pass(away)
	w.open()
}

// Time is what the clock shows.
func (w *World) Time() time.Time { return time.Unix(0, w.now.Load()).UTC() }

// Reboot is a restart of the machine, which was off for a while.
func (w *World) Reboot(off time.Duration) {
	w.Helper()
	if err := w.Store.Close(); err != nil {
		w.Fatal(err)
	}
	w.Pass(off)
	w.booted = w.Time()
	w.open()
}

// Pass lets time pass.
func (w *World) Pass(d time.Duration) { w.now.Add(int64(d)) }

// Until lets it be a time.
func (w *World) Until(t time.Time) {
	w.Helper()
	if t.Before(w.Time()) {
		w.Fatalf("%s is before %s", t, w.Time())
	}
	w.now.Store(t.UnixNano())
}

// Account makes one.
func (w *World) Account(name string) account.Ref {
	w.Helper()
	acc, err := w.Store.CreateAccount(context.Background(), name)
	if err != nil {
		w.Fatal(err)
	}
	return acc.Ref
}

// Update changes ann's rows.
func (w *World) Update(fn func(tx *store.Tx) error) {
	w.Helper()
	if err := w.Store.Update(context.Background(), w.Ref, fn); err != nil {
		w.Fatal(err)
	}
}

// ID is the id of the thing n.
func ID(n int) string { return fmt.Sprintf("%064x", n) }

// Addr is the floating IP n.
func Addr(n int) netip.Addr { return netip.AddrFrom4([4]byte{198, 18, 0, byte(n)}) }

// Container makes the container n if it is not there, of a size, and runs it or lets it end.
func (w *World) Container(n int, size string, runs bool) {
	w.Helper()
	w.Update(func(tx *store.Tx) error {
		c := store.Container{ID: ID(n), Name: fmt.Sprint("c", n), ImageID: "sha256:" + ID(1), Phase: store.Ready, CreatedAt: w.Time()}
		c.Spec.Size = size
		if old, ok := tx.Container(c.ID); ok {
			c = *old
		}
		live := c.State.Status.Live()
		switch {
		case runs && !live:
			c.State = store.ContainerState{Status: store.StatusRunning, Pid: 1, StartedAt: w.Time()}
		case live && !runs:
			c.State = store.ContainerState{Status: store.StatusExited, StartedAt: c.State.StartedAt, FinishedAt: w.Time()}
		case !live:
			c.State.Status = store.StatusCreated
		}
		return tx.PutContainer(c)
	})
}

// Volume makes the volume n, or gives it a size in GB; 0 removes it.
func (w *World) Volume(n, gb int) {
	w.Helper()
	w.Update(func(tx *store.Tx) error {
		if gb == 0 {
			return tx.DeleteVolume(ID(n))
		}
		return tx.PutVolume(store.Volume{ID: ID(n), Name: fmt.Sprint("v", n), SizeGB: gb, Phase: store.Ready, CreatedAt: w.Time()})
	})
}

// Image makes the image n of so many bytes; 0 removes it.
func (w *World) Image(n int, bytes int64) {
	w.Helper()
	id := "sha256:" + ID(n)
	w.Update(func(tx *store.Tx) error {
		if bytes == 0 {
			return tx.DeleteImage(id)
		}
		return tx.PutImage(store.Image{Image: engine.Image{ID: id, Size: bytes}, PulledAt: w.Time()})
	})
}

// FIP takes the floating IP n, or gives it back.
func (w *World) FIP(n int, has bool) {
	w.Helper()
	w.Update(func(tx *store.Tx) error {
		if !has {
			return tx.DeleteFloatingIP(Addr(n))
		}
		return tx.PutFloatingIP(store.FloatingIP{Address: Addr(n), AllocatedAt: w.Time()})
	})
}

// Step does something at random, or lets time pass.
func (w *World) Step(r *rand.Rand) {
	w.Helper()
	n := 1 + r.IntN(4)
	v := w.Store.View(w.Ref)
	switch r.IntN(9) {
	case 0, 1:
		w.Container(n, []string{"s1", "s4", "l3"}[n%3], r.IntN(2) == 0)
	case 2:
		if c, ok := v.Container(ID(n)); ok && !c.State.Status.Live() {
			w.Update(func(tx *store.Tx) error { return tx.DeleteContainer(c.ID) })
		}
	case 3:
		gb := 10 * r.IntN(5)
		if _, ok := v.Volume(ID(n)); ok || gb > 0 {
			w.Volume(n, gb)
		}
	case 4:
		_, has := v.FloatingIP(Addr(n))
		w.FIP(n, !has)
	case 5:
		if r.IntN(4) == 0 {
			w.Update(func(tx *store.Tx) error {
				_, err := tx.Correct(fmt.Sprintf("%d.%03d", r.IntN(5)-2, r.IntN(1000)), "a gift")
				return err
			})
		}
	default:
		w.Pass([]time.Duration{time.Millisecond, 3 * time.Second, time.Hour, 5 * 24 * time.Hour}[r.IntN(4)] + time.Duration(r.Int64N(1e6))*time.Millisecond)
	}
}
