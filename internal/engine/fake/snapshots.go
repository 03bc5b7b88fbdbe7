package fake

import (
	"context"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
)

// SnapshotVolume implements engine.Volumes.
func (e *Engine) SnapshotVolume(ctx context.Context, a account.Ref, volumeID, snapshot string) error {
	if err := e.enter(ctx, a, "SnapshotVolume", snapshot, volumeID); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	v, ok := e.of(a).volumes[volumeID]
	if !ok {
		return oops.NotFound("volume %s has no disk", volumeID)
	}
	if _, ok := e.of(a).snapshots[snapshot]; !ok {
		e.of(a).snapshots[snapshot] = &volume{size: v.size, from: volumeID}
	}
	return nil
}

// CreateVolumeFrom implements engine.Volumes.
func (e *Engine) CreateVolumeFrom(ctx context.Context, a account.Ref, id, snapshot string) error {
	return e.copySnapshot(ctx, a, "CreateVolumeFrom", id, snapshot, false)
}

// RestoreVolume implements engine.Volumes.
func (e *Engine) RestoreVolume(ctx context.Context, a account.Ref, id, snapshot string) error {
	return e.copySnapshot(ctx, a, "RestoreVolume", id, snapshot, true)
}

func (e *Engine) copySnapshot(ctx context.Context, a account.Ref, method, id, snapshot string, over bool) error {
	if err := e.enter(ctx, a, method, id, snapshot); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	s, ok := e.of(a).snapshots[snapshot]
	if !ok {
		return oops.NotFound("snapshot %s has no disk", snapshot)
	}
	v, there := e.of(a).volumes[id]
	switch {
	case there && !over:
		return nil
	case !there && over:
		return oops.NotFound("volume %s has no disk", id)
	case there && v.attached:
		return failedPrecondition("volume %s is attached", id)
	}
	e.of(a).volumes[id] = &volume{size: s.size, usage: 1 << 20, from: snapshot}
	return nil
}

// RemoveSnapshot implements engine.Volumes.
func (e *Engine) RemoveSnapshot(ctx context.Context, a account.Ref, snapshot string) error {
	if err := e.enter(ctx, a, "RemoveSnapshot", snapshot, nil); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	delete(e.of(a).snapshots, snapshot)
	return nil
}

// SnapshotUsage implements engine.Volumes.
func (e *Engine) SnapshotUsage(ctx context.Context, a account.Ref, snapshot string) (int64, error) {
	if err := e.enter(ctx, a, "SnapshotUsage", snapshot, nil); err != nil {
		return 0, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.of(a).snapshots[snapshot]; !ok {
		return 0, oops.NotFound("snapshot %s has no disk", snapshot)
	}
	return 4096, nil
}

// VolumeFrom is the id of the snapshot that a volume's disk was made of last; "" is none.
func (e *Engine) VolumeFrom(a account.Ref, id string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v, ok := e.of(a).volumes[id]; ok {
		return v.from
	}
	return ""
}
