package fip

import (
	"context"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Name gives an address a name that is unique in the account; "" takes its name away. Errors: ErrInvalidArgument,
// ErrNotFound, ErrConflict when another address has the name.
func (s *Service) Name(ctx context.Context, a account.Ref, fip, name string) error {
	if name != "" && !validName(name) {
		return oops.Invalid("%q is not a name for a floating IP: use up to %d of the characters a-z, A-Z, 0-9, '_', '.' and '-', beginning with a letter or digit, and not only digits and dots", clip(name), maxName)
	}
	if name == Any {
		return oops.Invalid("a floating IP cannot be named %s, which means any of them: choose another name", Any)
	}
	return s.Store.Update(ctx, a, func(tx *store.Tx) error {
		f, err := find(tx.View, fip)
		if err != nil {
			return err
		}
		if other, ok := tx.FloatingIPByName(name); ok && name != "" && other.Address != f.Address {
			return oops.Conflict("the name %s is taken by the floating IP %s: choose another one", name, other.Address)
		}
		row := *f
		row.Name = name
		return tx.PutFloatingIP(row)
	})
}
