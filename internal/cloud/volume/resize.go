package volume

import (
	"context"
	"fmt"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Resize makes a volume larger, whether a container has it or not: what runs goes on. Errors: ErrNotFound, ErrInvalidArgument for a size
// that is none or smaller, ErrConflict while it is filled, restored or resized, ErrFailedPrecondition when the machine lets nobody grow a file system in
// use, ErrResourceExhausted when its disk is full or a budget is spent.
func (s *Service) Resize(ctx context.Context, a account.Ref, name string, gb int) error {
	if err := s.ValidSize(gb); err != nil {
		return err
	}
	if v, ok := s.Store.View(a).VolumeByName(name); ok && gb > v.SizeGB {
		if err := quota.Afford(ctx, s.Spending, a); err != nil {
			return err
		}
	}
	ctx = context.WithoutCancel(ctx)
	var id string
	err := s.Store.Update(ctx, a, func(tx *store.Tx) error {
		v, ok := tx.VolumeByName(name)
		switch {
		case !ok || v.Phase != store.Ready:
			return noSuchVolume(name)
		case Steady(v) != nil:
			return Steady(v)
		case gb < v.SizeGB:
			return oops.Invalid("volume %s has %d GB and cannot be made smaller: make another one, and copy what is in it", v.Name, v.SizeGB)
		case gb == v.SizeGB:
			return nil
		}
		id = v.ID
		row := *v
		row.Spec.Resizing = gb
		return tx.PutVolume(row)
	})
	if err != nil || id == "" {
		return err
	}
	failpoint.Hit("volume.resize.after-intent")
	return s.finishResize(ctx, a, id)
}

// finishResize carries out what the volume's row says. If it cannot be done, the volume is as it was.
func (s *Service) finishResize(ctx context.Context, a account.Ref, id string) error {
	v, ok := s.Store.View(a).Volume(id)
	if !ok {
		return nil
	}
	gb := v.Spec.Resizing
	failed := s.Engine.ResizeVolume(ctx, a, id, int64(gb)<<30)
	failpoint.Hit("volume.resize.after-engine")
	err := s.Store.Update(ctx, a, func(tx *store.Tx) error {
		v, ok := tx.Volume(id)
		if !ok {
			return nil
		}
		row := *v
		row.Spec.Resizing = 0
		if failed == nil {
			row.SizeGB = gb
		}
		return tx.PutVolume(row)
	})
	switch {
	case failed != nil:
		return fmt.Errorf("resize volume %s: %w", v.Name, failed)
	case err == nil:
		s.publish(a, "resize", v.Name)
	}
	return err
}
