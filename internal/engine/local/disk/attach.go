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

// AttachVolume mounts the disk, if it is not, and returns the directory of its content; see engine.Volumes.
func (d *Disks) AttachVolume(ctx context.Context, a account.Ref, id string) (string, error) {
	v, err := d.volume(a, id)
	if err != nil {
		return "", err
	}
	defer d.busy.take(v.image)()
	if err := d.attach(ctx, v, mountOptions); err != nil {
		return "", err
	}
	data := filepath.Join(v.target, dataDir)
	// An earlier hyperd may have died between mounting a fresh disk and this.
	if err := os.Mkdir(data, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("attach %s: %w", v, err)
	}
	return data, nil
}

// attach mounts a disk, if it is not.
func (d *Disks) attach(ctx context.Context, v volume, options string) error {
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
	if !mounted {
		if err := d.mount(ctx, v, image, options); err != nil {
			return fmt.Errorf("attach %s: %w", v, err)
		}
	}
	return nil
}

// mount binds a loop device and mounts it at the volume's place. If it fails, nothing is left: the device frees itself.
func (d *Disks) mount(ctx context.Context, v volume, image *os.File, options string) error {
	sb, err := readSuperblock(image)
	if err != nil {
		return err
	}
	dev, err := loopFor(image)
	if err != nil {
		return err
	}
	defer dev.Close()
	v.hit("attach.after-loop")
	if err := os.MkdirAll(v.target, 0o700); err != nil {
		return err
	}
	if sb.errors {
		if err := d.repair(ctx, v, dev.Name()); err != nil {
			return err
		}
	}
	err = mountExt4(dev.Name(), v.target, options)
	if err != nil && !sb.errors && ctx.Err() == nil {
		d.log.Warn("a disk cannot be mounted", "disk", v.image, "error", err)
		if err := d.repair(ctx, v, dev.Name()); err != nil {
			return err
		}
		err = mountExt4(dev.Name(), v.target, options)
	}
	if err != nil {
		_ = os.Remove(v.target)
		return fmt.Errorf("mount its file system: %w", err)
	}
	v.hit("attach.after-mount")
	if err := d.guard.welcome(v.target, filepath.Base(dev.Name())); err != nil {
		d.log.Warn("a disk was not told that there is no room", "disk", v.image, "error", err)
	}
	return nil
}

// repair runs e2fsck on a disk that says it has errors, or cannot be mounted.
func (d *Disks) repair(ctx context.Context, v volume, device string) error {
	d.log.Warn("checking a disk's file system", "disk", v.image)
	if err := repairExt4(ctx, device); err != nil {
		_ = os.Remove(v.target)
		return fmt.Errorf("its file system is damaged and could not be repaired without loss, so that the operator has to look at %s: %w", v.image, err)
	}
	return nil
}

func mountExt4(device, target, options string) error {
	return unix.Mount(device, target, "ext4", unix.MS_NODEV|unix.MS_RELATIME, options)
}

// letGo writes everything to disk and removes the mount. The device goes with it, unless somebody still has the mount.
func letGo(ctx context.Context, v volume) error {
	if err := unmount(ctx, v.target); err != nil {
		return fmt.Errorf("detach %s: %w", v, err)
	}
	v.hit("detach.after-umount")
	if err := os.Remove(v.target); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("detach %s: %w", v, err)
	}
	return nil
}

// DetachVolume writes everything to disk and lets go of mount and device; see engine.Volumes. It fails with
// ErrFailedPrecondition if a process still uses the volume after two seconds; it may then be called again.
func (d *Disks) DetachVolume(ctx context.Context, a account.Ref, id string) error {
	v, err := d.volume(a, id)
	if err != nil {
		return err
	}
	defer d.busy.take(v.image)()
	return d.detach(ctx, v)
}

func (d *Disks) detach(ctx context.Context, v volume) error {
	if err := letGo(ctx, v); err != nil {
		return err
	}
	image, err := openImage(v)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer image.Close()
	return within(ctx, func() (bool, error) {
		err := notBound(image, v)
		return err == nil, err
	})
}
