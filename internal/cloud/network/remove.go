package network

import (
	"context"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Remove removes a network that no container is in, running or not: one that was left without its network could not be
// started again. Errors: ErrNotFound, ErrPermissionDenied for the account's own and for one with containers.
func (s *Service) Remove(ctx context.Context, a account.Ref, ref string) error {
	gone, err := s.Get(a, ref)
	if err != nil {
		return err
	}
	if gone.Name == OwnName {
		return oops.Forbidden("%s is a pre-defined network and cannot be removed", gone.Name)
	}
	err = s.Store.Update(ctx, a, func(tx *store.Tx) error {
		if _, ok := tx.Network(gone.ID); !ok {
			return oops.NotFound("network %s not found", ref)
		}
		return tx.DeleteNetwork(gone.ID)
	})
	if errdefs.IsConflict(err) {
		return oops.Forbidden("error while removing network: %v: remove or disconnect them first", err)
	}
	if err != nil {
		return err
	}
	failpoint.Hit("network.remove.after-record")
	s.leave(ctx, a, gone)
	return nil
}

// Prune removes the networks that no container is in and that match, and returns their names.
func (s *Service) Prune(ctx context.Context, a account.Ref, match func(*store.Network) bool) ([]string, error) {
	var gone []*store.Network
	err := s.Store.Update(ctx, a, func(tx *store.Tx) error {
		for _, n := range tx.Networks() {
			if !match(n) || len(tx.ContainersOn(n.ID)) > 0 {
				continue
			}
			if err := tx.DeleteNetwork(n.ID); err != nil {
				return err
			}
			gone = append(gone, n)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, n := range gone {
		names = append(names, n.Name)
	}
	s.leave(ctx, a, gone...)
	return names, nil
}

// leave takes the account's router out of networks that are gone. An account without containers may have no router, and gets none for
// this: what its router is in, if it has one, is put right when the next container starts.
func (s *Service) leave(ctx context.Context, a account.Ref, gone ...*store.Network) {
	s.mu.Lock()
	for _, n := range gone {
		delete(s.newest, place{a.ID(), n.ID})
	}
	s.mu.Unlock()
	if len(gone) > 0 && s.Store.View(a).Counts().Containers > 0 {
		if err := s.Apply(ctx, a); err != nil {
			s.Log.Error("applying the network after a network was removed", "account", a, "error", err)
		}
	}
	for _, n := range gone {
		s.Publish(a, n, "destroy", "")
	}
}
