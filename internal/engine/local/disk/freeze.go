package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// The calls that stop the writers of a mounted file system, once everything is on disk, and let them go on: linux/fs.h.
const (
	fiFreeze = 0xc0045877
	fiThaw   = 0xc0045878
)

// frozen runs fn while nothing is written to what is mounted at target. Whoever writes waits.
func frozen(target string, fn func() error) (err error) {
	dir, err := os.Open(target)
	if err != nil {
		return err
	}
	defer dir.Close()
	// Most of what has to be written is written before, while writers still go on.
	if err := unix.Syncfs(int(dir.Fd())); err != nil {
		return err
	}
	if err := unix.IoctlSetInt(int(dir.Fd()), fiFreeze, 0); err != nil {
		return fmt.Errorf("freeze the file system: %w", err)
	}
	defer func() {
		if e := unix.IoctlSetInt(int(dir.Fd()), fiThaw, 0); e != nil {
			err = errors.Join(err, fmt.Errorf("thaw the file system: %w", e))
		}
	}()
	return fn()
}

// thawAll lets the writers go on that a hyperd which died in between has left waiting.
func (d *Disks) thawAll() error {
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter(filepath.Join(d.base, mountsDir)))
	if err != nil {
		return fmt.Errorf("read the table of mounts: %w", err)
	}
	var errs []error
	for _, m := range mounts {
		dir, err := os.Open(m.Mountpoint)
		if err != nil {
			continue // unmounted meanwhile
		}
		err = unix.IoctlSetInt(int(dir.Fd()), fiThaw, 0)
		_ = dir.Close()
		if err == nil {
			d.log.Warn("a volume was frozen, and goes on now", "mount", m.Mountpoint)
		} else if !errors.Is(err, unix.EINVAL) { // not frozen
			errs = append(errs, fmt.Errorf("thaw %s: %w", m.Mountpoint, err))
		}
	}
	return errors.Join(errs...)
}
