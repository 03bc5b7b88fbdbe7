package fip

import (
	"context"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
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
			holder := containerName(tx.View, f.Container)
			return oops.Conflict("floating IP %s is in use by container %s: detach it first by 'hyper fip detach %s'", f.Address, holder, holder)
		}
		return tx.DeleteFloatingIP(f.Address)
	})
}
