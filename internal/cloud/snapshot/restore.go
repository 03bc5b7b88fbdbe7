package snapshot

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Restore makes the volume that a snapshot was taken of hold again what it held then. What it holds now is kept in a
// further snapshot, which is returned. Errors: ErrNotFound; ErrConflict while a container runs that has the volume;
// ErrResourceExhausted when there is no room for the further snapshot.
func (s *Service) Restore(ctx context.Context, a account.Ref, ref string) (*store.Snapshot, error) {
	ctx = context.WithoutCancel(ctx)
	row, err := s.Find(a, ref)
	if err != nil {
		return nil, err
	}
	v, err := restorable(s.Store.View(a), row)
	if err != nil {
		return nil, err
	}
	safety, err := s.Create(ctx, a, CreateRequest{
		Volume: v.Name, Force: true, Name: safetyName(s.Store.View(a), v.Name, s.now().UTC()),
	})
	if err != nil {
		return nil, fmt.Errorf("keep what volume %s holds now: %w", v.Name, err)
	}
	err = s.Store.Update(ctx, a, func(tx *store.Tx) error {
		// The snapshot may have gone in between, or a container come.
		row, err := tx.FindSnapshot(row.ID)
		if err != nil {
			return err
		}
		v, err := restorable(tx.View, row)
		if err != nil {
			return err
		}
		next := *v
		next.Spec.Restoring = row.ID
		return tx.PutVolume(next)
	})
	if err != nil {
		return nil, err
	}
	failpoint.Hit("snapshot.restore.after-intent")
	if err := s.finishRestore(ctx, a, v.ID); err != nil {
		return nil, err
	}
	s.publish(a, "restore", row)
	return safety, nil
}

// restorable finds a snapshot's volume, if it can be restored.
func restorable(v *store.View, row *store.Snapshot) (*store.Volume, error) {
	vol, ok := v.Volume(row.Volume)
	if !ok || vol.Phase != store.Ready {
		return nil, oops.NotFound("No such volume: %s", row.Volume)
	}
	if err := volume.Steady(vol); err != nil {
		return nil, err
	}
	for _, c := range v.Containers() {
		uses := slices.ContainsFunc(c.Spec.Mounts, func(m store.Mount) bool { return m.VolumeID == vol.ID })
		if !uses || c.State.Status == store.StatusExited || c.State.Status == store.StatusCreated {
			continue
		}
		return nil, oops.Conflict("volume %s is in use by container %s, which runs: stop it first", vol.Name, c.Name)
	}
	return vol, nil
}

// finishRestore carries out what the volume's row says. If it cannot be done, the volume is as it was, and the row says so.
func (s *Service) finishRestore(ctx context.Context, a account.Ref, id string) error {
	v, ok := s.Store.View(a).Volume(id)
	if !ok {
		return nil
	}
	row, ok := s.Store.View(a).Snapshot(v.Spec.Restoring)
	if !ok {
		return oops.NotFound("No such snapshot: %s", v.Spec.Restoring)
	}
	failed := s.Engine.RestoreVolume(ctx, a, id, row.ID)
	failpoint.Hit("snapshot.restore.after-engine")
	err := s.Store.Update(ctx, a, func(tx *store.Tx) error {
		v, ok := tx.Volume(id)
		if !ok {
			return nil
		}
		next := *v
		next.Spec.Restoring = ""
		if failed == nil {
			next.SizeGB, next.Written = row.SizeGB, row.Spec.Written
			next.Spec.File, next.Spec.Source = row.Spec.Volume.File, row.Spec.Volume.Source
		}
		return tx.PutVolume(next)
	})
	if failed != nil {
		return fmt.Errorf("restore volume %s: %w", v.Name, failed)
	}
	return err
}

// safetyName is a name for what a volume held before it was restored.
func safetyName(v *store.View, volume string, at time.Time) string {
	return freeName(v, shortened(volume)+"-before-restore-"+at.Format("20060102-150405"))
}

// shortened is as much of a volume's name as leaves room for more in a name of 255 bytes.
func shortened(volume string) string { return volume[:min(len(volume), 150)] }

// freeName is a name that no snapshot has.
func freeName(v *store.View, base string) string {
	name := base
	for n := 2; ; n++ {
		if _, taken := v.SnapshotByName(name); !taken {
			return name
		}
		name = fmt.Sprintf("%s-%d", base, n)
	}
}
