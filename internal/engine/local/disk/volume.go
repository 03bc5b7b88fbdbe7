package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
)

// defaultHeadroom is what must be free on the machine's disk for a further volume. A sparse pool that runs into
// a full disk hurts all volumes, so that new ones are refused earlier.
const defaultHeadroom = 256 << 20

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
	if err := d.checkSpace(id); err != nil {
		return err
	}
	if err := os.Mkdir(v.dir, 0o700); err == nil {
		err = syncDir(d.pool)
		if err != nil {
			return fmt.Errorf("create the disk of volume %s: %w", short(id), err)
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return createError(id, err)
	}
	err = makeFile(v.image, size-size%blockSize, "volume.create.after-file", func(path string) error {
		return makeExt4(ctx, path)
	})
	return createError(id, err)
}

// checkSpace refuses a new disk when the machine's own is about to be full.
func (d *Disks) checkSpace(id string) error {
	for _, dir := range []string{d.dir, d.pool} {
		_, free, err := space(dir)
		if err != nil {
			return err
		}
		if free < d.headroom {
			return errFull(id)
		}
	}
	return nil
}

func errFull(id string) error {
	return oops.Exhausted("the disk of this machine is full, so that volume %s cannot be created: remove volumes or images that are not needed, or ask the operator", short(id))
}

// createError gives an error of making a disk its class.
func createError(id string, err error) error {
	var failed *toolError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT), errors.As(err, &failed) && failed.full():
		return errFull(id)
	case errors.Is(err, unix.EFBIG):
		return oops.Invalid("volume %s is larger than a file can be on this machine", short(id))
	}
	return fmt.Errorf("create the disk of volume %s: %w", short(id), err)
}

// RemoveVolume destroys the disk and its data; see engine.Volumes.
func (d *Disks) RemoveVolume(_ context.Context, a account.Ref, id string) error {
	v, err := d.volume(a, id)
	if err != nil {
		return err
	}
	defer d.busy.take(v.image)()
	if _, mounted, err := mountedLoop(v.target); err != nil {
		return err
	} else if mounted {
		return errInUse("volume %s is attached: detach it first", short(id))
	}
	if err := os.Remove(v.image + newSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the disk of volume %s: %w", short(id), err)
	}
	image, err := openImage(v)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer image.Close()
	if err := notBound(image, id); err != nil {
		return err
	}
	if err := os.Remove(v.image); err != nil {
		return fmt.Errorf("remove the disk of volume %s: %w", short(id), err)
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
		return 0, errAbsent(id)
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
		return nil, fmt.Errorf("open the disk of volume %s: %w", short(v.id), err)
	}
	return f, nil
}

// notBound refuses while a loop device is bound to the image, mounted by whomever.
func notBound(image *os.File, id string) error {
	dev, err := boundLoop(image)
	if err != nil {
		return err
	}
	if dev != nil {
		_ = dev.Close()
		return errInUse("volume %s is still in use by a process on this machine (device %s)", short(id), dev.Name())
	}
	return nil
}
