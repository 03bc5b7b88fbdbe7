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
	byID   map[string]*tenant
	byName map[string]*tenant
	list   []Account // by slot
}

type tenant struct {
	Account
	view atomic.Pointer[View]
}

func newTenants(list []Account) *tenants {
	t := &tenants{
		byID:   make(map[string]*tenant, len(list)),
		byName: make(map[string]*tenant, len(list)),
		list:   list,
	}
	for _, a := range list {
		t.add(&tenant{Account: a})
	}
	return t
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

// with returns the accounts with one more.
func (t *tenants) with(a Account) *tenants {
	at, _ := slices.BinarySearchFunc(t.list, a, bySlot)
	next := &tenants{
		byID:   make(map[string]*tenant, len(t.list)+1),
		byName: make(map[string]*tenant, len(t.list)+1),
		list:   slices.Insert(slices.Clone(t.list), at, a),
	}
	for _, one := range t.byID {
		next.add(one)
	}
	one := &tenant{Account: a}
	one.view.Store(newView(a.Ref))
	next.add(one)
	return next
}

func bySlot(a, b Account) int { return a.Ref.Slot() - b.Ref.Slot() }

// freeSlot is the lowest slot that no account has.
func (t *tenants) freeSlot() int {
	for i, a := range t.list {
		if a.Ref.Slot() != i {
			return i
		}
	}
	return len(t.list)
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

var accountName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.@+-]{0,127}$`)

// CreateAccount makes an account with a random id in the lowest free slot. Errors: ErrInvalidArgument for a name that
// is none, ErrConflict for one that is taken, ErrResourceExhausted when the machine has no slot left.
func (s *Store) CreateAccount(ctx context.Context, name string) (Account, error) {
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
	a := Account{Ref: ref, Name: name, CreatedAt: plainTime(time.Now())}
	_, err = s.conn.ExecContext(context.WithoutCancel(ctx),
		"INSERT INTO accounts (id, slot, name, created_at) VALUES (?, ?, ?, ?)",
		ref.ID(), slot, name, encodeTime(a.CreatedAt))
	if err != nil {
		return Account{}, fmt.Errorf("write to the database: %w", err)
	}
	s.tenants.Store(all.with(a))
	return a, nil
}

func loadAccounts(ctx context.Context, conn *sql.Conn) ([]Account, error) {
	var list []Account
	err := each(ctx, conn, "SELECT id, slot, name, created_at FROM accounts ORDER BY slot", func(scan func(...any) error) error {
		var id, name, created string
		var slot int
		if err := scan(&id, &slot, &name, &created); err != nil {
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
		list = append(list, Account{Ref: ref, Name: name, CreatedAt: at})
		return nil
	})
	return list, err
}
