package snapshot

import (
	"context"
	"errors"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Remove destroys a snapshot. Errors: ErrNotFound, ErrConflict while a volume is being made of it or restored to it.
func (s *Service) Remove(ctx context.Context, a account.Ref, ref string) error {
	ctx = context.WithoutCancel(ctx)
	var id string
	err := s.Store.Update(ctx, a, func(tx *store.Tx) error {
		row, err := tx.FindSnapshot(ref)
		if err != nil {
			return err
		}
		for _, v := range tx.Volumes() {
			if v.Phase == store.Creating && v.Spec.From == row.ID || v.Spec.Restoring == row.ID {
				return oops.Conflict("snapshot %s is in use: volume %s is being made of it", row.Name, v.Name)
			}
		}
		id = row.ID
		doomed := *row
		doomed.Phase = store.Removing
		return tx.PutSnapshot(doomed)
	})
	if err != nil {
		return err
	}
	failpoint.Hit("snapshot.remove.after-intent")
	return s.discard(ctx, a, id)
}

// discard destroys a snapshot whose row says that it is being made or removed, and deletes the row.
func (s *Service) discard(ctx context.Context, a account.Ref, id string) error {
	row, ok := s.Store.View(a).Snapshot(id)
	if !ok {
		return nil
	}
	if row.Phase == store.Ready {
		return oops.Conflict("snapshot %s was not marked for removal", row.Name)
	}
	if err := s.Engine.RemoveSnapshot(ctx, a, id); err != nil {
		return err
	}
	failpoint.Hit("snapshot.remove.after-engine")
	if err := s.Store.Update(ctx, a, func(tx *store.Tx) error { return tx.DeleteSnapshot(id) }); err != nil {
		return err
	}
	if row.Phase == store.Removing {
		s.publish(a, "destroy", row)
	}
	return nil
}

// Recover finishes what an earlier hyperd began. It must come before the account's volumes are recovered.
func (s *Service) Recover(ctx context.Context, a account.Ref) error {
	var errs []error
	for _, row := range s.Store.View(a).Snapshots() {
		if row.Phase != store.Ready {
			errs = append(errs, s.discard(ctx, a, row.ID))
		}
	}
	for _, v := range s.Store.View(a).Volumes() {
		if v.Spec.Restoring != "" && v.Phase == store.Ready {
			errs = append(errs, s.finishRestore(ctx, a, v.ID))
		}
	}
	return errors.Join(errs...)
}
