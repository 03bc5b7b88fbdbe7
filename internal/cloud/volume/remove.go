package volume

import (
	"context"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Remove destroys a volume and its data. Errors: ErrNotFound (none with force, as in Docker), ErrConflict while
// a container has it. A removal that failed half-way is taken up by calling again.
func (s *Service) Remove(ctx context.Context, a account.Ref, name string, force bool) error {
	v, ok := s.Store.View(a).VolumeByName(name)
	err := noSuchVolume(name)
	if ok {
		err = s.remove(ctx, a, v.ID)
	}
	if force && errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

// remove is Remove of one very volume, which no other of the same name can stand in for.
func (s *Service) remove(ctx context.Context, a account.Ref, id string) error {
	ctx = context.WithoutCancel(ctx)
	s.fills.stop(id)
	err := s.Store.Update(ctx, a, func(tx *store.Tx) error {
		v, ok := tx.Volume(id)
		if !ok {
			return noSuchVolume(id)
		}
		if s.fills.has(id) && v.Spec.Filling != nil { // again, by now
			return Steady(v)
		}
		return doom(tx, v)
	})
	if err != nil {
		return err
	}
	failpoint.Hit("volume.remove.after-intent")
	return s.Discard(ctx, a, []string{id})
}

// doom marks a volume for removal, if it may go.
func doom(tx *store.Tx, v *store.Volume) error {
	switch {
	case v.Phase == store.Creating:
		return oops.Conflict("volume %s is being made", v.Name)
	case v.Container != "":
		return oops.Conflict("volume is in use - [%s]", v.Container)
	case v.Phase == store.Removing:
		return nil
	case v.Spec.Restoring != "":
		return oops.Conflict("volume %s is being restored", v.Name)
	}
	if n := len(tx.SnapshotsOf(v.ID)); n > 0 {
		return oops.Conflict("Volume(%s) has (%d) snapshots", v.Name, n)
	}
	row := *v
	row.Phase = store.Removing
	return tx.PutVolume(row)
}

// Prune removes the volumes that match and that no container has: those that nobody gave a name, or with all every one. It
// returns their names and how many bytes of the machine's disk they took. After an error it tells what went before.
func (s *Service) Prune(ctx context.Context, a account.Ref, match func(*store.Volume) bool, all bool) (names []string, bytes int64, err error) {
	for _, v := range s.Store.View(a).Volumes() {
		if v.Phase != store.Ready || v.Container != "" || v.Spec.Filling != nil || !all && !anonymous(v) || !match(v) {
			continue
		}
		used, err := s.Engine.VolumeUsage(ctx, a, v.ID)
		if err != nil {
			s.Log.Warn("reading the size of a volume", "volume", v.Name, "error", err)
			used = 0
		}
		switch err := s.remove(ctx, a, v.ID); {
		case errdefs.IsConflict(err), errdefs.IsNotFound(err):
			continue // a container took it, or somebody else removed it, in between
		case err != nil:
			return names, bytes, err
		}
		names = append(names, v.Name)
		bytes += used
		if err := ctx.Err(); err != nil {
			return names, bytes, err
		}
	}
	return names, bytes, nil
}
