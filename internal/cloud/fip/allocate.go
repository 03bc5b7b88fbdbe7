package fip

import (
	"context"
	"net/netip"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// attempts bounds how often Allocate looks again after losing an address to somebody else.
const attempts = 5

// Allocate gives the account count addresses, the lowest free ones of the pool: all of them or none.
// Errors: ErrInvalidArgument for a count below 1; ErrResourceExhausted over quota, when a budget is spent, or when the pool has not so many.
func (s *Service) Allocate(ctx context.Context, a account.Ref, count int) ([]netip.Addr, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	if count < 1 {
		return nil, oops.Invalid("%d floating IPs cannot be allocated: ask for 1 or more", count)
	}
	if err := quota.Afford(ctx, s.Spending, a); err != nil {
		return nil, err
	}
	var given []netip.Addr
	err := s.Vetted(ctx, func() (err error) {
		given, err = s.settleFor(ctx, a, count)
		return err
	})
	return given, err
}

// settleFor allocates addresses that are vetted, and looks again when somebody else has taken one meanwhile.
func (s *Service) settleFor(ctx context.Context, a account.Ref, count int) ([]netip.Addr, error) {
	s.giving.Lock()
	defer s.giving.Unlock()
	for try := 1; ; try++ {
		given, err := s.allocate(ctx, a, count)
		if err == nil || !errdefs.IsConflict(err) || try == attempts {
			return given, err
		}
	}
}

func (s *Service) allocate(ctx context.Context, a account.Ref, count int) ([]netip.Addr, error) {
	var given []netip.Addr
	err := s.Store.Update(ctx, a, func(tx *store.Tx) (err error) {
		given, err = s.allocateIn(tx, count)
		return err
	})
	if err != nil {
		return nil, err
	}
	return given, nil
}

// allocateIn gives tx's account count addresses. Once in a transaction.
func (s *Service) allocateIn(tx *store.Tx, count int) ([]netip.Addr, error) {
	if err := quota.Room(tx.View, quota.FloatingIPs, int64(tx.Counts().FloatingIPs), int64(count)); err != nil {
		return nil, err
	}
	given, err := s.free(count)
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	for _, addr := range given {
		if err := tx.PutFloatingIP(store.FloatingIP{Address: addr, AllocatedAt: now}); err != nil {
			return nil, err
		}
	}
	return given, nil
}

// free finds the count lowest addresses that no account has, nor another host as far as is known. Error: errUnvetted when that is not known well enough.
func (s *Service) free(count int) ([]netip.Addr, error) {
	var found, unvetted, spares []netip.Addr
	for addr := range s.Pool.all() {
		if _, taken := s.Store.FloatingIPOwner(addr); taken || s.vetting.avoid(addr) {
			continue
		}
		vetted := s.Wire == nil || s.vetting.vetted(addr)
		switch {
		case len(found) < count:
			found = append(found, addr)
			if !vetted {
				unvetted = append(unvetted, addr)
			}
		case len(unvetted) == 0:
			return found, nil
		case len(spares) == spare:
			return nil, errUnvetted(append(unvetted, spares...))
		case !vetted:
			spares = append(spares, addr)
		}
	}
	if len(found) < count {
		return nil, oops.Exhausted("%d floating IPs are asked for and %d are free: release some that are not used, or ask the operator for a larger pool", count, len(found))
	}
	if len(unvetted) > 0 {
		return nil, errUnvetted(append(unvetted, spares...))
	}
	return found, nil
}
