package fake

import (
	"context"
	"path/filepath"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
)

type volume struct {
	content  string // what it was filled with, see fill.go
	size     int64
	attached bool
	failed   bool // its file system met an error
	usage    int64
	from     string // a volume's snapshot, a snapshot's volume
}

// CreateVolume implements engine.Volumes.
func (e *Engine) CreateVolume(ctx context.Context, a account.Ref, id string, size int64) error {
	if err := e.enter(ctx, a, "CreateVolume", id, size); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	if _, ok := e.of(a).volumes[id]; !ok {
		e.of(a).volumes[id] = &volume{size: size, usage: 1 << 20}
	}
	return nil
}

// AttachVolume implements engine.Volumes. The directory that it names does not exist.
func (e *Engine) AttachVolume(ctx context.Context, a account.Ref, id string) (string, error) {
	if err := e.enter(ctx, a, "AttachVolume", id, nil); err != nil {
		return "", err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	v, ok := e.of(a).volumes[id]
	if !ok {
		return "", oops.NotFound("volume %s has no disk", id)
	}
	v.attached = true
	return filepath.Join("/nonexistent/volumes", id), nil
}

// DetachVolume implements engine.Volumes.
func (e *Engine) DetachVolume(ctx context.Context, a account.Ref, id string) error {
	if err := e.enter(ctx, a, "DetachVolume", id, nil); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	if v, ok := e.of(a).volumes[id]; ok {
		v.attached = false
	}
	return nil
}

// RemoveVolume implements engine.Volumes.
func (e *Engine) RemoveVolume(ctx context.Context, a account.Ref, id string) error {
	if err := e.enter(ctx, a, "RemoveVolume", id, nil); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	if v, ok := e.of(a).volumes[id]; ok && v.attached {
		return failedPrecondition("volume %s is attached", id)
	}
	delete(e.of(a).volumes, id)
	delete(e.of(a).fills, id)
	return nil
}

// ResizeVolume implements engine.Volumes.
func (e *Engine) ResizeVolume(ctx context.Context, a account.Ref, id string, size int64) error {
	if err := e.enter(ctx, a, "ResizeVolume", id, size); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	v, ok := e.of(a).volumes[id]
	if !ok {
		return oops.NotFound("volume %s has no disk", id)
	}
	if size < v.size {
		return oops.Invalid("volume %s cannot be made smaller", id)
	}
	v.size = size
	return nil
}

// VolumeUsage implements engine.Volumes.
func (e *Engine) VolumeUsage(ctx context.Context, a account.Ref, id string) (int64, error) {
	if err := e.enter(ctx, a, "VolumeUsage", id, nil); err != nil {
		return 0, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	v, ok := e.of(a).volumes[id]
	if !ok {
		return 0, oops.NotFound("volume %s has no disk", id)
	}
	return v.usage, nil
}

// VolumeSize is the size of a volume's disk in bytes; 0 when there is none.
func (e *Engine) VolumeSize(a account.Ref, id string) int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v, ok := e.of(a).volumes[id]; ok {
		return v.size
	}
	return 0
}

// VolumeAttached reports whether a volume is attached.
func (e *Engine) VolumeAttached(a account.Ref, id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	v, ok := e.of(a).volumes[id]
	return ok && v.attached
}

// VolumeFailed implements engine.Volumes.
func (e *Engine) VolumeFailed(ctx context.Context, a account.Ref, id string) (bool, error) {
	if err := e.enter(ctx, a, "VolumeFailed", id, nil); err != nil {
		return false, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	v, ok := e.of(a).volumes[id]
	return ok && v.attached && v.failed, nil
}

// SetVolumeFailed lets the file system of an attached volume meet an error, or mends it.
func (e *Engine) SetVolumeFailed(a account.Ref, id string, failed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v, ok := e.of(a).volumes[id]; ok {
		v.failed = failed
	}
}
