package volume

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// atOnce bounds how many disks one call makes or destroys at a time.
const atOnce = 4

// Materialise makes the disks of rows that a transaction put as Creating, with the content of their sources, and then says that they are Ready. Rows
// that are Ready already are left alone. After an error some disks may be there: Discard takes them away. A filling ends with ctx.
func (s *Service) Materialise(ctx context.Context, a account.Ref, ids []string) error {
	view := s.Store.View(a)
	filled := make([]engine.Filled, len(ids))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, id := range ids {
		v, ok := view.Volume(id)
		if !ok {
			return oops.NotFound("No such volume: %s", id)
		}
		switch v.Phase {
		case store.Ready:
		case store.Creating:
			g.Go(func() (err error) {
				if v.Spec.Filling != nil {
					filled[i], err = s.fillNew(gctx, a, v)
					return err
				}
				if err := s.makeDisk(gctx, a, v); err != nil {
					return fmt.Errorf("make volume %s: %w", v.Name, err)
				}
				return nil
			})
		default:
			return oops.Conflict("volume %s is being removed", v.Name)
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	failpoint.Hit("volume.create.after-engine")
	var made []string
	err := s.Store.Update(context.WithoutCancel(ctx), a, func(tx *store.Tx) error {
		made = made[:0]
		for i, id := range ids {
			v, ok := tx.Volume(id)
			if !ok {
				return oops.NotFound("No such volume: %s", id)
			}
			if v.Phase != store.Creating {
				continue
			}
			row := *v
			row.Phase = store.Ready
			if f := row.Spec.Filling; f != nil {
				row.Spec.Source, row.Spec.File, row.Spec.Filling = f.Source, filled[i].File, nil
			}
			if err := tx.PutVolume(row); err != nil {
				return err
			}
			made = append(made, row.Name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range made {
		s.publish(a, "create", name)
	}
	return nil
}

// makeDisk makes an empty disk, or one that holds what a snapshot does.
func (s *Service) makeDisk(ctx context.Context, a account.Ref, v *store.Volume) error {
	if v.Spec.From != "" {
		return s.Engine.CreateVolumeFrom(ctx, a, v.ID, v.Spec.From)
	}
	return s.Engine.CreateVolume(ctx, a, v.ID, int64(v.SizeGB)<<30)
}

// Discard destroys the disks of rows that a transaction put as Removing, and of rows that are still Creating, and
// then deletes the rows. Absent ones are no error. A Ready row is refused: its data may not be touched.
func (s *Service) Discard(ctx context.Context, a account.Ref, ids []string) error {
	var g errgroup.Group
	g.SetLimit(atOnce)
	errs := make([]error, len(ids))
	for i, id := range ids {
		g.Go(func() error {
			errs[i] = s.discard(ctx, a, id)
			return nil
		})
	}
	_ = g.Wait()
	return errors.Join(errs...)
}

func (s *Service) discard(ctx context.Context, a account.Ref, id string) error {
	v, ok := s.Store.View(a).Volume(id)
	if !ok {
		return nil
	}
	if v.Phase == store.Ready {
		return oops.Conflict("volume %s is in use and was not marked for removal", v.Name)
	}
	if err := s.Engine.DetachVolume(ctx, a, id); err != nil {
		return fmt.Errorf("detach volume %s: %w", v.Name, err)
	}
	if err := s.Engine.RemoveVolume(ctx, a, id); err != nil {
		return fmt.Errorf("remove volume %s: %w", v.Name, err)
	}
	failpoint.Hit("volume.remove.after-engine")
	gone := false
	err := s.Store.Update(ctx, a, func(tx *store.Tx) error {
		_, gone = tx.Volume(id)
		return tx.DeleteVolume(id)
	})
	if err != nil {
		return err
	}
	if gone && v.Phase == store.Removing {
		s.publish(a, "destroy", v.Name)
	}
	return nil
}

// Recover finishes what a hyperd that died had begun: volumes that were being made are undone (nobody has
// written to them), volumes that were being removed go, and those that were being filled are as they were, or filled. It is called at start, before the account is served.
func (s *Service) Recover(ctx context.Context, a account.Ref) error {
	var ids []string
	var errs []error
	for _, v := range s.Store.View(a).Volumes() {
		if v.Phase == store.Ready && v.Spec.Filling != nil {
			errs = append(errs, s.recoverFilling(ctx, a, v))
		}
		if v.Phase != store.Ready {
			ids = append(ids, v.ID)
		}
	}
	errs = append(errs, s.Discard(ctx, a, ids))
	for _, v := range s.Store.View(a).Volumes() {
		if v.Spec.Resizing != 0 && v.Phase == store.Ready {
			errs = append(errs, s.finishResize(ctx, a, v.ID))
		}
	}
	return errors.Join(errs...)
}
