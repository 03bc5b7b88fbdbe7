package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/oops"
)

const (
	poolFile    = "pool.xfs"
	minPoolSize = 1 << 30
	// A pool of unstated size has at least defaultPool, and stays below the largest file of ext4.
	defaultPool = 20 << 30
	largestPool = 12 << 40
)

// pick decides where images are kept. What is there already decides first: volumes must be found again, whatever
// the machine has learnt to do since.
func (d *Disks) pick(ctx context.Context, size int64, reflinks func(string) (bool, error)) error {
	file := filepath.Join(d.dir, poolFile)
	_, err := os.Lstat(file)
	if err == nil {
		return d.mountPool(file)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	ok, err := reflinks(d.dir)
	if err != nil {
		return err
	}
	if ok {
		d.backend = backendReflink
		return nil
	}
	used, err := holdsImages(d.dir)
	if err != nil {
		return err
	}
	if !used {
		switch err := d.makePool(ctx, file, size); {
		case err == nil:
			return nil
		case !errors.Is(err, errNoTool) && !errors.Is(err, unix.ENODEV):
			return err
		default:
			d.log.Warn("volumes are kept without an XFS pool; copies of them will be full ones", "reason", err)
		}
	}
	d.backend, d.pool = backendCopy, d.dir
	return nil
}

// holdsImages reports whether an account has a directory in dir.
func holdsImages(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if accountID.MatchString(e.Name()) {
			return true, nil
		}
	}
	return false, nil
}

// makePool makes the pool file and mounts it. If the kernel has no XFS, the error is ENODEV and no file is left.
func (d *Disks) makePool(ctx context.Context, file string, size int64) error {
	mkfs, err := findTool("mkfs.xfs", "xfsprogs")
	if err != nil {
		return err
	}
	total, free, err := space(d.dir)
	if err != nil {
		return err
	}
	if free < d.headroom {
		return oops.Exhausted("there are less than %d MiB free for the pool of volumes", d.headroom>>20)
	}
	if size == 0 {
		size = min(max(int64(total/10*9), defaultPool), largestPool)
	}
	if size < minPoolSize {
		return oops.Invalid("a pool of %d bytes is too small: %d is the least", size, minPoolSize)
	}
	err = makeFile(file, size-size%blockSize, "volume.pool.after-file", func(path string) error {
		// A reverse mapping, which newer ones make unless told otherwise, makes the sharing of a file three times slower.
		return runTool(ctx, mkfs, "-q", "-K", "-m", "reflink=1,rmapbt=0", "-s", fmt.Sprintf("size=%d", sector), "-b", fmt.Sprintf("size=%d", blockSize), path)
	})
	if err != nil {
		return fmt.Errorf("make the pool of volumes: %w", err)
	}
	err = d.mountPool(file)
	if errors.Is(err, unix.ENODEV) {
		// Just made and never mounted, it holds nothing.
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return err
}

// mountPool mounts the pool file, or adopts the mount that is there.
func (d *Disks) mountPool(file string) error {
	image, err := os.OpenFile(file, os.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer image.Close()
	target := filepath.Join(d.base, "pool")
	if err := os.MkdirAll(target, 0o700); err != nil {
		return err
	}
	mounted, err := mountedFrom(target, image)
	if err != nil {
		return err
	}
	if !mounted {
		if err := settle(image); err != nil {
			return err
		}
		dev, err := loopFor(image)
		if err != nil {
			return err
		}
		defer dev.Close()
		flags := uintptr(unix.MS_NODEV | unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NOATIME)
		if err := unix.Mount(dev.Name(), target, "xfs", flags, "discard"); err != nil {
			return fmt.Errorf("mount the pool of volumes %s: %w", file, err)
		}
		if err := os.Chmod(target, 0o700); err != nil {
			return err
		}
	}
	d.backend, d.pool = backendPool, target
	return nil
}
