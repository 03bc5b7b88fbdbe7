package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
)

// ext4Resize makes a mounted ext4 so many blocks large: fs/ext4/ext4.h.
const ext4Resize = 0x40086610

// ResizeVolume makes a disk larger, while it is mounted as well as when it is not; see engine.Volumes. Each step may have been done
// before.
func (d *Disks) ResizeVolume(ctx context.Context, a account.Ref, id string, size int64) error {
	v, err := d.volume(a, id)
	if err != nil {
		return err
	}
	defer d.busy.take(v.image)()
	image, err := openImage(v)
	if errors.Is(err, fs.ErrNotExist) {
		return errAbsent(v)
	}
	if err != nil {
		return err
	}
	defer image.Close()
	fi, err := image.Stat()
	if err != nil {
		return err
	}
	size -= size % blockSize
	if size < fi.Size() {
		return oops.Invalid("%s has %d bytes, and cannot be made smaller", v, fi.Size())
	}
	if err := d.checkSpace(v); err != nil {
		return err
	}
	if size > fi.Size() {
		end, err := d.admit(v, size)
		if err != nil {
			return err
		}
		defer end()
	}
	mounted, err := mountedFrom(v.target, image)
	if err != nil {
		return err
	}
	if mounted {
		err = d.growMounted(v, image, fi.Size(), size)
	} else {
		err = d.growIdle(ctx, v, image, size)
	}
	return diskError("grow", v, err)
}

// growIdle puts a larger copy in the place of a disk that nobody uses. The copy shares the disk's blocks where it can.
func (d *Disks) growIdle(ctx context.Context, v volume, image *os.File, size int64) error {
	// The file system tells: an image may have been made larger by a hyperd that died before it came to that.
	sb, err := readSuperblock(image)
	if err != nil || sb.size >= size {
		return err
	}
	if err := d.idle(v); err != nil {
		return err
	}
	resize, err := findTool("resize2fs", "e2fsprogs")
	if err != nil {
		return err
	}
	return makeFile(v.image, size, "volume.resize.after-file", func(path string) error {
		if err := copyImage(path, v.image); err != nil {
			return err
		}
		if err := os.Truncate(path, size); err != nil { // a clone is as long as what it is of
			return err
		}
		if err := repairExt4(ctx, path, "-f"); err != nil { // resize2fs wants it checked
			return err
		}
		return runTool(ctx, resize, path)
	})
}

// growMounted makes the image, the loop device and the file system on it larger, in this order.
func (d *Disks) growMounted(v volume, image *os.File, from, to int64) error {
	if !mayResize() {
		return errInUse("%s is attached, and hyperd may not grow a file system that is in use on this machine: stop the container first", v)
	}
	sb, err := readSuperblock(image)
	if err != nil {
		return err
	}
	if sb.size < to && !sb.growsMounted() { // as those were made at first
		return errInUse("%s is attached, and was made so that it can grow only while no container uses it: stop the container first", v)
	}
	if err := growFile(image, from, to); err != nil {
		return err
	}
	failpoint.Hit("volume.resize.after-image")
	dev, err := boundLoop(image)
	if err != nil {
		return err
	}
	if dev == nil {
		return errors.New("it has no loop device")
	}
	defer dev.Close()
	if err := unix.IoctlSetInt(int(dev.Fd()), unix.LOOP_SET_CAPACITY, 0); err != nil {
		return fmt.Errorf("grow its device: %w", err)
	}
	failpoint.Hit("volume.resize.after-loop")
	dir, err := os.Open(v.target)
	if err != nil {
		return err
	}
	defer dir.Close()
	blocks := uint64(to / blockSize)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, dir.Fd(), ext4Resize, uintptr(unsafe.Pointer(&blocks))); errno != 0 {
		// ENOSPC says that its own tables or its journal have no room, and nothing of the machine's disk.
		return fmt.Errorf("grow its file system: %s", errno.Error())
	}
	return unix.Syncfs(int(dir.Fd()))
}

// mayResize tells whether the kernel lets this process grow a file system in use: root in a container may lack the right to.
func mayResize() bool {
	var have [2]unix.CapUserData
	err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &have[0])
	return err == nil && have[0].Effective>>unix.CAP_SYS_RESOURCE&1 == 1
}

func growFile(image *os.File, from, to int64) error {
	if from == to {
		return nil
	}
	if err := image.Truncate(to); err != nil {
		return err
	}
	return image.Sync()
}
