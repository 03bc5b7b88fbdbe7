package runtime

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// inRoot resolves every path, whatever links are on it, as if root were /.
const inRoot = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS

// openIn opens a path inside root, a container's root file system. It never waits: a pipe in the place of a file does not
// hold it up.
func openIn(root, name string, flags int) (*os.File, error) {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: root, Err: err}
	}
	defer func() { _ = unix.Close(dir) }()
	return openAt(dir, name, flags)
}

func openAt(root int, name string, flags int) (*os.File, error) {
	how := unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC | unix.O_NONBLOCK), Resolve: inRoot}
	if flags&unix.O_PATH != 0 {
		how.Flags &^= unix.O_NONBLOCK
	}
	for {
		fd, err := unix.Openat2(root, name, &how)
		if err == unix.EINTR || err == unix.EAGAIN { // something was renamed meanwhile
			continue
		}
		if err != nil {
			return nil, &os.PathError{Op: "open", Path: name, Err: err}
		}
		return os.NewFile(uintptr(fd), name), nil
	}
}

// makeDirIn makes the directory name, and those above it, inside root. What it makes belongs to uid and gid; what is there
// stays as it is.
func makeDirIn(root, name string, uid, gid int) error {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: root, Err: err}
	}
	defer func() { _ = unix.Close(dir) }()
	done := "/"
	for part := range strings.SplitSeq(strings.Trim(path.Clean("/"+name), "/"), "/") {
		if part == "" {
			return nil
		}
		next := filepath.Join(done, part)
		f, err := openAt(dir, next, unix.O_PATH|unix.O_DIRECTORY)
		if errors.Is(err, os.ErrNotExist) {
			err = makeOneIn(dir, done, part, uid, gid)
		} else if err == nil {
			f.Close()
		}
		if err != nil {
			return err
		}
		done = next
	}
	return nil
}

// makeFileIn makes the empty file name, and the directories above it, inside root, as makeDirIn does.
func makeFileIn(root, name string, uid, gid int) error {
	parent, base := path.Split(path.Clean("/" + name))
	if err := makeDirIn(root, parent, uid, gid); err != nil {
		return err
	}
	p, err := openIn(root, parent, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer p.Close()
	fd, err := unix.Openat(int(p.Fd()), base, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return fmt.Errorf("making %s: %w", name, err)
	}
	defer func() { _ = unix.Close(fd) }()
	return unix.Fchown(fd, uid, gid)
}

func makeOneIn(root int, parent, name string, uid, gid int) error {
	p, err := openAt(root, parent, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer p.Close()
	if err := unix.Mkdirat(int(p.Fd()), name, 0o755); err != nil {
		return fmt.Errorf("making %s: %w", filepath.Join(parent, name), err)
	}
	return unix.Fchownat(int(p.Fd()), name, uid, gid, unix.AT_SYMLINK_NOFOLLOW)
}
