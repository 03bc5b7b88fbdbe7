package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
)

// snapshot checks the identifiers and returns the places of a snapshot, which is never mounted.
func (d *Disks) snapshot(a account.Ref, id string) (volume, error) {
	if err := a.Check(); err != nil {
		return volume{}, err
	}
	if !volumeID.MatchString(id) {
		return volume{}, errBadID(id)
	}
	return d.snapshotOf(a.ID(), id), nil
}

func (d *Disks) snapshotOf(account, id string) volume {
	return diskAt(aSnapshot, filepath.Join(d.pool, snapshots), "", account, id)
}

// SnapshotVolume keeps what a volume holds at this moment; see engine.Volumes.
func (d *Disks) SnapshotVolume(ctx context.Context, a account.Ref, volumeID, snapshotID string) error {
	v, errVolume := d.volume(a, volumeID)
	s, errSnapshot := d.snapshot(a, snapshotID)
	if err := errors.Join(errVolume, errSnapshot); err != nil {
		return err
	}
	defer d.busy.take(v.image)()
	if _, err := os.Lstat(s.image); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	image, err := openImage(v)
	if errors.Is(err, fs.ErrNotExist) {
		return errAbsent(v)
	}
	if err != nil {
		return err
	}
	defer image.Close()
	mounted, err := mountedFrom(v.target, image)
	if err != nil {
		return err
	}
	if mounted && d.backend == backendCopy {
		return errInUse("%s is attached, and this machine would have to stop its writers for as long as a full copy takes: stop the container first", v)
	}
	if !mounted {
		return createError(s, d.cloneTo(s, v, copyImage))
	}
	return createError(s, d.cloneTo(s, v, func(to, from string) error { return d.cloneRunning(ctx, v, s, to, from) }))
}

// cloneRunning clones the image of a volume that is attached. Its writers wait for the moment.
func (d *Disks) cloneRunning(ctx context.Context, v, s volume, to, from string) error {
	if err := syncFS(v.target); err != nil {
		return err
	}
	src, err := os.OpenFile(from, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer dst.Close()
	begun, err := d.cloneAhead(ctx, dst, src)
	if err != nil {
		return err
	}
	defer begun.release()
	return frozen(v.target, func() error {
		s.hit("create.frozen")
		return begun.finish()
	})
}

// CreateVolumeFrom makes a disk of what a snapshot holds; see engine.Volumes.
func (d *Disks) CreateVolumeFrom(_ context.Context, a account.Ref, volumeID, snapshotID string) error {
	v, errVolume := d.volume(a, volumeID)
	s, errSnapshot := d.snapshot(a, snapshotID)
	if err := errors.Join(errVolume, errSnapshot); err != nil {
		return err
	}
	defer d.busy.take(v.image)()
	if _, err := os.Lstat(v.image); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	fi, err := os.Lstat(s.image)
	if errors.Is(err, fs.ErrNotExist) {
		return errAbsent(s)
	}
	if err != nil {
		return err
	}
	end, err := d.admit(v, fi.Size())
	if err != nil {
		return err
	}
	defer end()
	return createError(v, d.cloneTo(v, s, copyImage))
}

// RestoreVolume puts what a snapshot holds in the place of a volume's disk; see engine.Volumes.
func (d *Disks) RestoreVolume(_ context.Context, a account.Ref, volumeID, snapshotID string) error {
	v, errVolume := d.volume(a, volumeID)
	s, errSnapshot := d.snapshot(a, snapshotID)
	if err := errors.Join(errVolume, errSnapshot); err != nil {
		return err
	}
	defer d.busy.take(v.image)()
	if err := d.idle(v); err != nil {
		return err
	}
	return createError(v, d.cloneTo(v, s, copyImage))
}

// idle refuses a volume that is attached, or not there.
func (d *Disks) idle(v volume) error {
	if _, mounted, err := mountedLoop(v.target); err != nil {
		return err
	} else if mounted {
		return errInUse("%s is attached: detach it first", v)
	}
	image, err := openImage(v)
	if errors.Is(err, fs.ErrNotExist) {
		return errAbsent(v)
	}
	if err != nil {
		return err
	}
	defer image.Close()
	return notBound(image, v)
}

// cloneTo makes the image of to anew as what that of from holds, by a way to fill a file with what is in another.
func (d *Disks) cloneTo(to, from volume, fill func(to, from string) error) error {
	fi, err := os.Lstat(from.image)
	if errors.Is(err, fs.ErrNotExist) {
		return errAbsent(from)
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to.dir), 0o700); err != nil {
		return err
	}
	return d.create(to, fi.Size(), func(path string) error { return fill(path, from.image) })
}

// RemoveSnapshot destroys a snapshot; see engine.Volumes.
func (d *Disks) RemoveSnapshot(_ context.Context, a account.Ref, id string) error {
	s, err := d.snapshot(a, id)
	if err != nil {
		return err
	}
	defer d.busy.take(s.image)()
	for _, path := range []string{s.image + newSuffix, s.image} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove %s: %w", s.disk(), err)
		}
	}
	if err := syncDir(s.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	_ = os.Remove(s.dir) // if it was the last
	return nil
}

// SnapshotUsage tells the bytes that nothing else shares; see engine.Volumes.
func (d *Disks) SnapshotUsage(_ context.Context, a account.Ref, id string) (int64, error) {
	s, err := d.snapshot(a, id)
	if err != nil {
		return 0, err
	}
	image, err := os.OpenFile(s.image, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, errAbsent(s)
	}
	if err != nil {
		return 0, err
	}
	defer image.Close()
	n, err := exclusive(image)
	if err != nil {
		return 0, fmt.Errorf("measure %s: %w", s, err)
	}
	return n, nil
}

// reapSnapshot sets a snapshot aside that no record tells of: it may be all that is left of a volume.
func (d *Disks) reapSnapshot(_ context.Context, account, id string) error {
	s := d.snapshotOf(account, id)
	defer d.busy.take(s.image)()
	return d.setAside(s, account)
}
