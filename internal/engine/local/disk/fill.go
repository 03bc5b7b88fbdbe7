package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
)

// New content of a volume is put on a fresh disk, which takes the place of the volume's by one renaming. So nobody ever sees half of it, and
// what a source does to a file system it does to one that nobody has.

// BeginFill makes a fresh disk of size bytes beside the volume's, mounts it, and returns the directory for the content. What an earlier attempt left
// is gone then.
func (d *Disks) BeginFill(ctx context.Context, a account.Ref, id string, size int64) (dir string, err error) {
	v, err := d.volume(a, id)
	if err != nil {
		return "", err
	}
	if size < minSize {
		return "", oops.Invalid("a volume of %d bytes is too small: %d is the least", size, minSize)
	}
	defer d.busy.take(v.image)()
	if err := d.dropFill(ctx, v); err != nil {
		return "", err
	}
	f := fillOf(v)
	defer func() {
		if err != nil {
			err = errors.Join(err, d.dropFill(context.WithoutCancel(ctx), v))
		}
	}()
	if err := d.create(f, size-size%blockSize, func(path string) error { return makeVolume(ctx, path, size) }); err != nil {
		return "", createError(f, err)
	}
	if err := d.attach(ctx, f, mountOptions); err != nil {
		return "", err
	}
	data := filepath.Join(f.target, dataDir)
	if err := os.Mkdir(data, 0o755); err != nil {
		return "", fmt.Errorf("prepare %s: %w", f, err)
	}
	return data, nil
}

// EndFill lets go of a disk that is filled: it is whole then, and on the machine's disk.
func (d *Disks) EndFill(ctx context.Context, a account.Ref, id string) error {
	v, err := d.volume(a, id)
	if err != nil {
		return err
	}
	defer d.busy.take(v.image)()
	f := fillOf(v)
	if err := d.detach(ctx, f); err != nil {
		return err
	}
	if err := os.Rename(f.image, v.image+filledSuffix); err != nil {
		return fmt.Errorf("finish %s: %w", f, err)
	}
	return syncDir(v.dir)
}

// TakeFill puts a disk that was filled in the place of the volume's; see engine.Filler.
func (d *Disks) TakeFill(ctx context.Context, a account.Ref, id string) error {
	v, err := d.volume(a, id)
	if err != nil {
		return err
	}
	defer d.busy.take(v.image)()
	filled := v.image + filledSuffix
	if _, err := os.Lstat(filled); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	if _, mounted, err := mountedLoop(v.target); err != nil {
		return err
	} else if mounted {
		return errInUse("%s is attached: it cannot be filled", v)
	}
	image, err := openImage(v)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		defer image.Close()
		if err := within(ctx, func() (bool, error) {
			err := notBound(image, v)
			return err == nil, err
		}); err != nil {
			return err
		}
	}
	if err := os.Rename(filled, v.image); err != nil {
		return fmt.Errorf("fill %s: %w", v, err)
	}
	failpoint.Hit("volume.fill.after-rename")
	return syncDir(v.dir)
}

// DropFill destroys what was filled, or half filled; see engine.Filler.
func (d *Disks) DropFill(ctx context.Context, a account.Ref, id string) error {
	v, err := d.volume(a, id)
	if err != nil {
		return err
	}
	defer d.busy.take(v.image)()
	return d.dropFill(ctx, v)
}

func (d *Disks) dropFill(ctx context.Context, v volume) error {
	f := fillOf(v)
	if err := letGo(ctx, f); err != nil {
		return err
	}
	for _, path := range []string{f.image + newSuffix, f.image, v.image + filledSuffix} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove %s: %w", f, err)
		}
	}
	return nil
}

// fillOf is the disk that is filled for a volume.
func fillOf(v volume) volume {
	return volume{kind: aFill, id: v.id, dir: v.dir, image: v.image + fillSuffix, target: v.target + fillSuffix}
}
