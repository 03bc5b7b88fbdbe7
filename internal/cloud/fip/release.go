package fip

import (
	"context"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/store"
)

// Release gives an address back to the pool. Errors: ErrInvalidArgument for what is no address, ErrNotFound,
// ErrConflict while it is attached.
func (s *Service) Release(ctx context.Context, a account.Ref, fip string) error {
	return s.Store.Update(ctx, a, func(tx *store.Tx) error {
		f, err := find(tx.View, fip)
		if err != nil {
			return err
		}
		if f.Container != "" {
			return inUse(tx.View, f)
		}
		return tx.DeleteFloatingIP(f.Address)
	})
}
