package store

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"net/netip"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
)

var (
	errClosed = errors.New("the database is closed")
	errOver   = errors.New("this transaction is over")
)

// Tx is a change of one account's rows under way. Its View is a draft that shows what the Tx has written.
// It is for one goroutine, and of no use after the function that it was given to.
type Tx struct {
	*View
	store *Store
	ctx   context.Context
	began bool
	over  bool
	// failed is the first error of the database: after it the draft and the transaction may differ.
	failed error
	// touched are the meters that may have to be opened or closed; spans, when processes of containers ran.
	touched map[meterKey]bool
	spans   map[string]span
	// own tells which tables of the draft are copies that this Tx may write to.
	own struct {
		networks, containers, volumes, snapshots, images, tags, floatingIPs, securityGroups, access, projects, meters bool
	}
}

// Update runs fn and makes what it put or deleted visible, all of it, after it is on disk; if fn or the
// database fails, nothing has changed and the error is returned as it is. Writers wait for one another, so fn must be
// quick and must not call Update. ctx is heeded while waiting for the turn; once begun, a change is completed.
func (s *Store) Update(ctx context.Context, a account.Ref, fn func(*Tx) error) error {
	if err := a.Check(); err != nil {
		return err
	}
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.release()
	t, ok := s.tenants.Load().of(a)
	if !ok {
		return oops.NotFound("No such account: %s", a)
	}
	tx, err := s.transact(ctx, t, fn)
	if err != nil {
		return err
	}
	s.publish(t, tx)
	return nil
}

// transact runs the functions on a draft of the tenant's view and commits what they wrote. The caller has the turn.
func (s *Store) transact(ctx context.Context, t *tenant, fns ...func(*Tx) error) (*Tx, error) {
	draft := *t.view.Load()
	tx := &Tx{View: &draft, store: s, ctx: context.WithoutCancel(ctx)}
	defer tx.rollback() // also when a function panics
	for _, fn := range fns {
		if err := fn(tx); err != nil {
			return nil, err
		}
	}
	if err := tx.meterAll(); err != nil {
		return nil, err
	}
	if err := tx.commit(); err != nil {
		return nil, writeError(err)
	}
	return tx, nil
}

// updateAll runs fn for every account, and more, in one transaction, and done before readers see what came of it. The caller has the turn.
func (s *Store) updateAll(ctx context.Context, fn func(*Tx) error, more func(*sql.Conn) error, done func()) error {
	if _, err := s.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return writeError(err)
	}
	all := s.tenants.Load()
	drafts := map[*tenant]*Tx{}
	err := func() error {
		for _, a := range all.list {
			one := all.byID[a.Ref.ID()]
			draft := *one.view.Load()
			tx := &Tx{View: &draft, store: s, ctx: ctx, began: true}
			if err := errors.Join(fn(tx), tx.failed); err != nil {
				return err
			}
			if err := tx.meterAll(); err != nil {
				return err
			}
			tx.over = true
			drafts[one] = tx
		}
		if err := more(s.conn); err != nil {
			return err
		}
		_, err := s.conn.ExecContext(ctx, "COMMIT")
		return err
	}()
	if err != nil {
		_, _ = s.conn.ExecContext(ctx, "ROLLBACK")
		return writeError(err)
	}
	done()
	for one, tx := range drafts {
		s.publish(one, tx)
	}
	return nil
}

// publish shows a draft that is on disk to readers.
func (s *Store) publish(t *tenant, tx *Tx) {
	before := t.view.Load()
	if tx.own.floatingIPs {
		s.owners.publish(maps.Keys(before.floatingIPs.byAddress), maps.Keys(tx.floatingIPs.byAddress), tx.account)
	}
	if tx.own.access {
		s.entries.publish(before.access.entries, tx.access.entries, tx.account)
	}
	t.view.Store(tx.View)
}

// take waits for the caller's turn to write.
func (s *Store) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if s.closed {
		s.release()
		return errClosed
	}
	return nil
}

func (s *Store) release() { <-s.turn }

// write executes a statement of the transaction, which the first one begins: an Update that
// writes nothing costs no disk access.
func (tx *Tx) write(query string, args ...any) error {
	if tx.over {
		return errOver
	}
	if tx.failed != nil {
		return tx.failed
	}
	err := func() error {
		if !tx.began {
			if _, err := tx.store.conn.ExecContext(tx.ctx, "BEGIN IMMEDIATE"); err != nil {
				return err
			}
			tx.began = true
		}
		_, err := tx.store.conn.ExecContext(tx.ctx, query, args...)
		return err
	}()
	if err != nil {
		tx.failed = writeError(err)
	}
	return tx.failed
}

func (tx *Tx) commit() error {
	if tx.failed != nil {
		return tx.failed
	}
	if tx.began {
		if _, err := tx.store.conn.ExecContext(tx.ctx, "COMMIT"); err != nil {
			return err
		}
	}
	tx.over = true
	return nil
}

// rollback undoes what was not committed. It does nothing after a commit.
func (tx *Tx) rollback() {
	if tx.began && !tx.over {
		// SQLite rolls back by itself after some errors; then this one fails, and rightly so.
		_, _ = tx.store.conn.ExecContext(tx.ctx, "ROLLBACK")
	}
	tx.over = true
}

// holder tells who of the other accounts has the address.
func (tx *Tx) holder(addr netip.Addr) (account.Ref, bool) {
	ref, ok := tx.store.FloatingIPOwner(addr)
	return ref, ok && ref != tx.account
}
