package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/failpoint"
)

// makeFile makes a file at path so that it is there whole and on disk, or not at all: format fills a sparse file of
// the size under another name first. Remains of an earlier attempt are overwritten.
func makeFile(path string, size int64, point string, format func(path string) error) (err error) {
	temp := path + newSuffix
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			_ = os.Remove(temp)
		}
	}()
	if err := f.Truncate(size); err != nil {
		return err
	}
	failpoint.Hit(point)
	if err := format(temp); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// canReflink tries whether two files in dir can share blocks.
func canReflink(dir string) (bool, error) {
	from, err := os.CreateTemp(dir, ".reflink-*")
	if err != nil {
		return false, err
	}
	defer os.Remove(from.Name())
	defer from.Close()
	to, err := os.CreateTemp(dir, ".reflink-*")
	if err != nil {
		return false, err
	}
	defer os.Remove(to.Name())
	defer to.Close()
	if _, err := from.Write(make([]byte, 4096)); err != nil {
		return false, err
	}
	err = unix.IoctlFileClone(int(to.Fd()), int(from.Fd()))
	if cannotClone(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("clone a file: %w", err)
	}
	return true, nil
}

// space returns the total and the available bytes of the file system that dir is on.
func space(dir string) (total, free uint64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, 0, fmt.Errorf("measure the space in %s: %w", dir, err)
	}
	return st.Blocks * uint64(st.Bsize), st.Bavail * uint64(st.Bsize), nil
}
