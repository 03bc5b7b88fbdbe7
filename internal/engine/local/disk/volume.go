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
	"github.com/hypercloud/hyper/internal/oops"
)

// CreateVolume makes an empty disk of size bytes, rounded down to whole blocks; see engine.Volumes.
func (d *Disks) CreateVolume(ctx context.Context, a account.Ref, id string, size int64) error {
	v, err := d.volume(a, id)
	if err != nil {
		return err
	}
	if size < minSize {
		return oops.Invalid("a volume of %d bytes is too small: %d is the least", size, minSize)
	}
	defer d.busy.take(v.image)()
	if _, err := os.Lstat(v.image); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	end, err := d.admit(v, size)
	if err != nil {
		return err
	}
	defer end()
	err = d.create(v, size-size%blockSize, func(path string) error { return makeVolume(ctx, path, size) })
	return createError(v, err)
}

// create makes an image: format fills a sparse file of the size.
func (d *Disks) create(v volume, size int64, format func(path string) error) error {
	if err := d.checkSpace(v); err != nil {
		return err
	}
	if err := os.Mkdir(v.dir, 0o700); err == nil {
		if err := syncDir(filepath.Dir(v.dir)); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return err
	}
	return makeFile(v.image, size, v.kind.point+".create.after-file", format)
}

// checkSpace refuses a new disk when the machine's own is about to be full.
func (d *Disks) checkSpace(v volume) error {
	if d.guard.isFull() {
		return errFull(v)
	}
	for _, dir := range []string{d.dir, d.pool} {
		_, free, err := space(dir)
		if err != nil {
			return err
		}
		if free < d.headroom {
			return errFull(v)
		}
	}
	return nil
}

func errFull(v volume) error {
	return oops.Exhausted("the disk of this machine is full, so that there is no room for %s: remove containers, volumes or images that are not needed, or ask the operator", v)
}

// createError gives an error of making a disk its class.
func createError(v volume, err error) error { return diskError("create", v, err) }

// diskError gives an error of making a disk, or of making it larger, its class.
func diskError(verb string, v volume, err error) error {
	var failed *toolError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT), errors.As(err, &failed) && failed.full():
		return errFull(v)
	case errors.Is(err, unix.EFBIG):
		return oops.Invalid("%s is larger than a file can be on this machine", v)
	}
	return fmt.Errorf("%s %s: %w", verb, v.disk(), err)
}

// RemoveVolume destroys the disk and its data; see engine.Volumes.
func (d *Disks) RemoveVolume(ctx context.Context, a account.Ref, id string) error {
	v, err := d.volume(a, id)
	if err != nil {
		return err
	}
	defer d.busy.take(v.image)()
	if _, mounted, err := mountedLoop(v.target); err != nil {
		return err
	} else if mounted {
		return errInUse("%s is attached: detach it first", v)
	}
	if err := d.dropFill(ctx, v); err != nil {
		return err
	}
	if err := os.Remove(v.image + newSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", v.disk(), err)
	}
	image, err := openImage(v)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer image.Close()
	if err := notBound(image, v); err != nil {
		return err
	}
	if err := os.Remove(v.image); err != nil {
		return fmt.Errorf("remove %s: %w", v.disk(), err)
	}
	return syncDir(v.dir)
}

// VolumeUsage tells the bytes that the volume takes on the machine's disk.
func (d *Disks) VolumeUsage(_ context.Context, a account.Ref, id string) (int64, error) {
	v, err := d.volume(a, id)
	if err != nil {
		return 0, err
	}
	fi, err := os.Lstat(v.image)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, errAbsent(v)
	}
	if err != nil {
		return 0, err
	}
	st, err := sysStat(fi)
	if err != nil {
		return 0, err
	}
	return st.Blocks * 512, nil
}

// openImage opens a volume's image; fs.ErrNotExist tells that there is none.
func openImage(v volume) (*os.File, error) {
	f, err := os.OpenFile(v.image, os.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", v.disk(), err)
	}
	return f, nil
}

// notBound refuses while a loop device is bound to the image, mounted by whomever.
func notBound(image *os.File, v volume) error {
	dev, err := boundLoop(image)
	if err != nil {
		return err
	}
	if dev != nil {
		_ = dev.Close()
		return errInUse("%s is still in use by a process on this machine (device %s)", v, dev.Name())
	}
	return nil
}
