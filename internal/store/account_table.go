package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
)

// tenants are all accounts. It is immutable but for the view of each, which its writers replace.
type tenants struct {
	byID    map[string]*tenant
	byName  map[string]*tenant
	list    []Account // by slot
	retired []int     // slots that nobody has and nobody gets; sorted
}

type tenant struct {
	Account
	view *atomic.Pointer[View] // shared by the forms of a tenant whose Account changes
}

func newTenants(list []Account, retired []int) *tenants {
	t := &tenants{
		byID:    make(map[string]*tenant, len(list)),
		byName:  make(map[string]*tenant, len(list)),
		list:    list,
		retired: retired,
	}
	for _, a := range list {
		t.add(newTenant(a))
	}
	return t
}

func newTenant(a Account) *tenant {
	one := &tenant{Account: a, view: new(atomic.Pointer[View])}
	one.view.Store(newView(a.Ref))
	return one
}

func (t *tenants) add(one *tenant) {
	t.byID[one.Ref.ID()] = one
	t.byName[one.Name] = one
}

// of finds the account whose Ref is a, id and slot both.
func (t *tenants) of(a account.Ref) (*tenant, bool) {
	one, ok := t.byID[a.ID()]
	if !ok || one.Ref != a {
		return nil, false
	}
	return one, true
}

// with returns the accounts with one more, or with another form of one.
func (t *tenants) with(one *tenant) *tenants {
	next := t.without(one.Ref)
	at, _ := slices.BinarySearchFunc(next.list, one.Account, bySlot)
	next.list = slices.Insert(next.list, at, one.Account)
	next.add(one)
	return next
}

// without returns the accounts but for one.
func (t *tenants) without(a account.Ref) *tenants {
	next := &tenants{
		byID:    make(map[string]*tenant, len(t.list)+1),
		byName:  make(map[string]*tenant, len(t.list)+1),
		list:    slices.DeleteFunc(slices.Clone(t.list), func(other Account) bool { return other.Ref == a }),
		retired: t.retired,
	}
	for _, one := range t.byID {
		if one.Ref != a {
			next.add(one)
		}
	}
	return next
}

func bySlot(a, b Account) int { return a.Ref.Slot() - b.Ref.Slot() }

// freeSlot is the lowest slot that no account has and none has left lately.
func (t *tenants) freeSlot() int {
	slot := 0
	taken := func(i int) bool {
		_, here := slices.BinarySearchFunc(t.list, i, func(a Account, i int) int { return a.Ref.Slot() - i })
		_, left := slices.BinarySearch(t.retired, i)
		return here || left
	}
	for taken(slot) {
		slot++
	}
	return slot
}

// Accounts lists all accounts by slot.
func (s *Store) Accounts() []Account { return slices.Clone(s.tenants.Load().list) }

// Account finds an account by its name.
func (s *Store) Account(name string) (Account, bool) {
	if one, ok := s.tenants.Load().byName[name]; ok {
		return one.Account, true
	}
	return Account{}, false
}

// AccountOf finds the account that a Ref is of.
func (s *Store) AccountOf(a account.Ref) (Account, bool) {
	if one, ok := s.tenants.Load().of(a); ok {
		return one.Account, true
	}
	return Account{}, false
}

var accountName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.@+-]{0,127}$`)

// CreateAccount makes an account with a random id in the lowest free slot. What fill puts into it is there with it or
// not at all. Errors: ErrInvalidArgument for a name that is none, ErrConflict for one that is taken, ErrResourceExhausted
// when the machine has no slot left.
func (s *Store) CreateAccount(ctx context.Context, name string, fill ...func(*Tx) error) (Account, error) {
	if !accountName.MatchString(name) {
		return Account{}, oops.Invalid("%q is no account name: it has 1 to 128 letters, digits, and _ . @ + -, and begins with a letter or digit", name)
	}
	if err := s.take(ctx); err != nil {
		return Account{}, err
	}
	defer s.release()
	all := s.tenants.Load()
	if _, taken := all.byName[name]; taken {
		return Account{}, oops.Conflict("An account named %q exists already. Choose another name.", name)
	}
	slot := all.freeSlot()
	if slot >= account.MaxSlots {
		return Account{}, oops.Exhausted("This machine has %d accounts, which is all that it can carry.", account.MaxSlots)
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	ref, err := account.New(hex.EncodeToString(id), slot)
	if err != nil {
		return Account{}, err
	}
	one := newTenant(Account{Ref: ref, Name: name, CreatedAt: plainTime(time.Now()), State: Enabled})
	insert := func(tx *Tx) error {
		return tx.write("INSERT INTO accounts (id, slot, name, created_at, state) VALUES (?, ?, ?, ?, ?)",
			ref.ID(), slot, name, encodeTime(one.CreatedAt), string(one.State))
	}
	tx, err := s.transact(ctx, one, append([]func(*Tx) error{insert}, fill...)...)
	if err != nil {
		return Account{}, err
	}
	s.publish(one, tx)
	s.tenants.Store(all.with(one))
	return one.Account, nil
}

// SetAccountState says whether an account is served. Errors: ErrNotFound.
func (s *Store) SetAccountState(ctx context.Context, a account.Ref, state AccountState) error {
	return s.changeAccount(ctx, a, func(all *tenants, one *tenant) (*tenants, func(*Tx) error, error) {
		changed := *one
		changed.State = state
		return all.with(&changed), func(tx *Tx) error {
			return tx.write("UPDATE accounts SET state = ? WHERE id = ?", string(state), a.ID())
		}, nil
	})
}

// DeleteAccount deletes an account that owns nothing, with all that it is entered with. Its name is free then; its slot
// is when FreeSlots says so. Errors: ErrNotFound; ErrConflict while it owns something.
func (s *Store) DeleteAccount(ctx context.Context, a account.Ref) error {
	return s.changeAccount(ctx, a, func(all *tenants, one *tenant) (*tenants, func(*Tx) error, error) {
		if !one.view.Load().Empty() {
			return nil, nil, oops.Conflict("Account %s still has something.", one.Name)
		}
		next := all.without(a)
		next.retired = slices.Sorted(slices.Values(append(slices.Clone(all.retired), a.Slot())))
		return next, func(tx *Tx) error {
			for _, table := range []string{"credentials", "tokens", "certificates", "quotas", "projects", "budgets"} {
				if err := tx.write("DELETE FROM "+table+" WHERE account = ?", a.ID()); err != nil {
					return err
				}
			}
			tx.access, tx.own.access = newAccessTable(), true
			if err := tx.write("DELETE FROM accounts WHERE id = ?", a.ID()); err != nil {
				return err
			}
			// Whoever removed it may still be owed for what it used.
			if err := tx.write("INSERT INTO former_accounts (id, name, removed_at) VALUES (?, ?, ?)", a.ID(), one.Name, s.Now().UnixMilli()); err != nil {
				return err
			}
			return tx.write("INSERT INTO retired_slots (slot) VALUES (?)", a.Slot())
		}, nil
	})
}

// changeAccount replaces the accounts by what plan makes of them, after its statements are on disk.
func (s *Store) changeAccount(ctx context.Context, a account.Ref, plan func(*tenants, *tenant) (*tenants, func(*Tx) error, error)) error {
	if err := a.Check(); err != nil {
		return err
	}
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.release()
	all := s.tenants.Load()
	one, ok := all.of(a)
	if !ok {
		return oops.NotFound("No such account: %s", a)
	}
	next, statements, err := plan(all, one)
	if err != nil {
		return err
	}
	tx, err := s.transact(ctx, one, statements)
	if err != nil {
		return err
	}
	s.publish(one, tx)
	s.tenants.Store(next)
	return nil
}

// FreeSlots lets the slots of deleted accounts be given again. Whoever calls it knows that nothing on the machine
// carries their ids any more.
func (s *Store) FreeSlots(ctx context.Context) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.release()
	if _, err := s.conn.ExecContext(context.WithoutCancel(ctx), "DELETE FROM retired_slots"); err != nil {
		return writeError(err)
	}
	next := *s.tenants.Load()
	next.retired = nil
	s.tenants.Store(&next)
	return nil
}

func loadRetired(ctx context.Context, conn *sql.Conn) ([]int, error) {
	var slots []int
	err := each(ctx, conn, "SELECT slot FROM retired_slots ORDER BY slot", func(scan func(...any) error) error {
		var slot int
		if err := scan(&slot); err != nil {
			return err
		}
		slots = append(slots, slot)
		return nil
	})
	return slots, err
}

func loadAccounts(ctx context.Context, conn *sql.Conn) ([]Account, error) {
	var list []Account
	err := each(ctx, conn, "SELECT id, slot, name, created_at, state FROM accounts ORDER BY slot", func(scan func(...any) error) error {
		var id, name, created, state string
		var slot int
		if err := scan(&id, &slot, &name, &created, &state); err != nil {
			return err
		}
		ref, err := account.New(id, slot)
		if err != nil {
			return err
		}
		at, err := decodeTime(created)
		if err != nil {
			return fmt.Errorf("account %s: %w", name, err)
		}
		list = append(list, Account{Ref: ref, Name: name, CreatedAt: at, State: AccountState(state)})
		return nil
	})
	return list, err
}
