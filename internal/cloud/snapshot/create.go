package snapshot

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// CreateRequest says of what a snapshot is wanted.
type CreateRequest struct {
	Volume   string // name
	Name     string // "": generated
	Force    bool   // also while a container has the volume
	Schedule string // of the schedule that asks; "": somebody
}

// Create takes a snapshot. Errors: ErrInvalidArgument for the name, ErrNotFound for the volume, ErrConflict for a name that is taken or
// a volume that a container has, ErrResourceExhausted over quota, when a budget is spent or the machine's disk is full.
func (s *Service) Create(ctx context.Context, a account.Ref, req CreateRequest) (*store.Snapshot, error) {
	if req.Name == "" {
		req.Name = randomHex()[:63]
	} else if err := volume.CheckName("snapshot", req.Name); err != nil {
		return nil, err
	}
	if err := quota.Afford(ctx, s.Spending, a); err != nil {
		return nil, err
	}
	row := store.Snapshot{ID: randomHex(), Name: req.Name, Phase: store.Creating, CreatedAt: s.now().UTC()}
	row.Spec.Schedule = req.Schedule
	// A client that goes away must not leave half a snapshot.
	ctx = context.WithoutCancel(ctx)
	err := s.Store.Update(ctx, a, func(tx *store.Tx) error {
		v, err := subject(tx.View, req)
		if err != nil {
			return err
		}
		if err := quota.Room(tx.View, quota.Snapshots, int64(tx.Counts().Snapshots), 1); err != nil {
			return err
		}
		if req.Schedule != "" {
			for _, s := range tx.SnapshotsOf(v.ID) {
				if s.Spec.Schedule == req.Schedule {
					row.Spec.Turn = max(row.Spec.Turn, s.Spec.Turn+1)
				}
			}
		}
		row.Volume, row.SizeGB, row.Spec.Written = v.ID, v.SizeGB, v.Written
		row.Spec.Volume = store.VolumeSpec{Snapshot: v.Spec.Snapshot, Source: v.Spec.Source, File: v.Spec.File}
		return tx.PutSnapshot(row)
	})
	if err != nil {
		return nil, err
	}
	failpoint.Hit("snapshot.create.after-intent")
	if err := s.Engine.SnapshotVolume(ctx, a, row.Volume, row.ID); err != nil {
		if derr := s.discard(ctx, a, row.ID); derr != nil {
			s.Log.Error("undoing a failed snapshot", "snapshot", row.Name, "error", derr)
		}
		return nil, fmt.Errorf("take snapshot %s: %w", row.Name, err)
	}
	failpoint.Hit("snapshot.create.after-engine")
	row.Phase = store.Ready
	if err := s.Store.Update(ctx, a, func(tx *store.Tx) error { return tx.PutSnapshot(row) }); err != nil {
		return nil, err
	}
	s.publish(a, "create", &row)
	return &row, nil
}

// subject finds the volume that a snapshot is to be taken of.
func subject(v *store.View, req CreateRequest) (*store.Volume, error) {
	vol, ok := v.VolumeByName(req.Volume)
	switch {
	case !ok || vol.Phase == store.Creating:
		return nil, oops.NotFound("No such volume: %s", req.Volume)
	case vol.Phase == store.Removing:
		return nil, oops.Conflict("volume %s is being removed", vol.Name)
	case volume.Steady(vol) != nil:
		return nil, volume.Steady(vol)
	case vol.Container != "" && !req.Force:
		holder := vol.Container[:12]
		if c, ok := v.Container(vol.Container); ok {
			holder = c.Name
		}
		return nil, oops.Conflict("volume %s is in use by container %s: --force takes the snapshot all the same, of what is written by now", vol.Name, holder)
	}
	return vol, nil
}

func randomHex() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
