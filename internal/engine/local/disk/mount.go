package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long letting go of a mount or a device may take: other processes may hold a copy of our
// mounts for the moment between getting their own mount namespace and emptying it.
const patience = 2 * time.Second

const loopMajor = 7

func sysStat(fi fs.FileInfo) (*syscall.Stat_t, error) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, fmt.Errorf("%s: no inode", fi.Name())
	}
	return st, nil
}

// mountedLoop tells whether something is mounted at target, and the name of its loop device ("" if it has none).
func mountedLoop(target string) (name string, mounted bool, err error) {
	var st unix.Statx_t
	err = unix.Statx(unix.AT_FDCWD, target, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BASIC_STATS, &st)
	if errors.Is(err, unix.ENOENT) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("look at %s: %w", target, err)
	}
	if st.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT == 0 {
		return "", false, errors.New("this kernel is too old: Linux 5.8 or newer is needed")
	}
	if st.Attributes&unix.STATX_ATTR_MOUNT_ROOT == 0 {
		return "", false, nil
	}
	if st.Dev_major != loopMajor {
		return "", true, nil
	}
	// The minor is not the device's number where loop devices have partitions.
	link, err := os.Readlink(fmt.Sprintf("/sys/dev/block/%d:%d", st.Dev_major, st.Dev_minor))
	if err != nil {
		return "", true, fmt.Errorf("look at the device of %s: %w", target, err)
	}
	return filepath.Base(link), true, nil
}

// mountedFrom tells whether the image is what is mounted at target. It is an error if something else is.
func mountedFrom(target string, image *os.File) (bool, error) {
	name, mounted, err := mountedLoop(target)
	if err != nil || !mounted {
		return false, err
	}
	fi, err := image.Stat()
	if err != nil {
		return false, err
	}
	if name != "" {
		dev, err := openLoop(name, fi)
		if err != nil {
			return false, err
		}
		if dev != nil {
			return true, dev.Close()
		}
	}
	return false, fmt.Errorf("something other than %s is mounted at %s: unmount it first", image.Name(), target)
}

// unmount writes everything to disk and unmounts what is at target, waiting a little for those who use it.
// Nothing mounted is no error. A disk that cannot be written to is unmounted all the same, since waiting would
// not help it; the error tells.
func unmount(ctx context.Context, target string) error {
	var lost error
	for {
		_, mounted, err := mountedLoop(target)
		if err != nil || !mounted {
			return errors.Join(lost, err)
		}
		if err := syncFS(target); err != nil {
			lost = fmt.Errorf("not everything in %s could be written to disk: %w", target, err)
		}
		err = within(ctx, func() (bool, error) {
			err := unix.Unmount(target, unix.UMOUNT_NOFOLLOW)
			return !errors.Is(err, unix.EBUSY), err
		})
		if errors.Is(err, unix.EBUSY) {
			return errInUse("%s is still in use by a process on this machine", target)
		}
		if err != nil && !errors.Is(err, unix.EINVAL) { // EINVAL: unmounted meanwhile
			return fmt.Errorf("unmount %s: %w", target, err)
		}
	}
}

func syncFS(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}

// within calls try until it is done, patience is over or ctx ends, and returns its last error.
func within(ctx context.Context, try func() (done bool, err error)) error {
	for end, pause := time.Now().Add(patience), time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		done, err := try()
		if done || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}
