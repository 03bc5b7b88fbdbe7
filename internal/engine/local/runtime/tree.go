package runtime

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
)

// tree copies files of a root file system, whose ids begin at base, to a volume, where ids are plain. Devices are passed
// over, and so are sockets. No link is followed.
type tree struct {
	base  uint32
	links map[inode]string // files with several names that were copied
}

type inode struct{ dev, ino uint64 }

// content copies what is in directory from to directory to.
func (t *tree) content(ctx context.Context, from, to string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := t.one(ctx, filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return fmt.Errorf("%s: %w", e.Name(), err)
		}
	}
	return nil
}

func (t *tree) one(ctx context.Context, from, to string) error {
	var st unix.Stat_t
	if err := unix.Lstat(from, &st); err != nil {
		return err
	}
	id := inode{st.Dev, st.Ino}
	kind := st.Mode & unix.S_IFMT
	if st.Nlink > 1 && kind != unix.S_IFDIR {
		if first, ok := t.links[id]; ok {
			return os.Link(first, to)
		}
		t.links[id] = to
	}
	var err error
	switch kind {
	case unix.S_IFDIR:
		if err = os.Mkdir(to, 0o700); err == nil {
			err = t.content(ctx, from, to)
		}
	case unix.S_IFREG:
		err = copyFile(from, to)
	case unix.S_IFLNK:
		var target string
		if target, err = os.Readlink(from); err == nil {
			err = os.Symlink(target, to)
		}
	case unix.S_IFIFO:
		err = unix.Mkfifo(to, 0o600)
	default:
		delete(t.links, id)
		return nil
	}
	if err != nil {
		return err
	}
	return t.attributes(from, to, &st)
}

// copyFile copies bytes; the kernel does it by itself where it can, sharing blocks if the file systems allow.
func copyFile(from, to string) error {
	src, err := os.OpenFile(from, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}

// attributes gives to the owner, mode, extended attributes and times of from, which st tells of. A change of owner takes
// set-id bits and capabilities away, so it comes first; times come last.
func (t *tree) attributes(from, to string, st *unix.Stat_t) error {
	if err := os.Lchown(to, t.plain(st.Uid), t.plain(st.Gid)); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		if err := unix.Chmod(to, st.Mode&0o7777); err != nil {
			return err
		}
	}
	if err := t.xattrs(from, to); err != nil {
		return err
	}
	return unix.UtimesNanoAt(unix.AT_FDCWD, to, []unix.Timespec{st.Atim, st.Mtim}, unix.AT_SYMLINK_NOFOLLOW)
}

// plain is a file's id as the container sees it. What is not of the account's range is nobody's.
func (t *tree) plain(id uint32) int {
	if id < t.base || id-t.base >= account.IDCount {
		return account.IDCount - 2
	}
	return int(id - t.base)
}

// xattrs copies extended attributes: a user's, and file capabilities. Access lists hold ids, and those of the host's
// security modules are its own: they stay behind.
func (t *tree) xattrs(from, to string) error {
	buf := make([]byte, 64<<10)
	n, err := unix.Llistxattr(from, buf)
	if errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	if err != nil {
		return err
	}
	value := make([]byte, 64<<10)
	for name := range bytes.SplitSeq(buf[:n], []byte{0}) {
		attr := string(name)
		if !strings.HasPrefix(attr, "user.") && attr != "security.capability" {
			continue
		}
		n, err := unix.Lgetxattr(from, attr, value)
		if err != nil {
			return fmt.Errorf("reading %s: %w", attr, err)
		}
		v := value[:n]
		if attr == "security.capability" {
			v = t.capability(v)
		}
		if err := unix.Lsetxattr(to, attr, v, 0); err != nil && !errors.Is(err, unix.ENOTSUP) {
			return fmt.Errorf("setting %s: %w", attr, err)
		}
	}
	return nil
}

// Forms of a file's capabilities (linux/capability.h).
const (
	capRevisionMask = 0xff000000
	capRevision2    = 0x02000000
	capRevision3    = 0x03000000
	capSize2        = 20
	capSize3        = 24
)

// capability takes from a file's capabilities the id of the root whom they hold for when that is the account's: on the
// volume they hold for root, whoever that is where it is mounted.
func (t *tree) capability(v []byte) []byte {
	if len(v) != capSize3 {
		return v
	}
	magic := binary.LittleEndian.Uint32(v)
	if magic&capRevisionMask != capRevision3 || binary.LittleEndian.Uint32(v[capSize2:]) != t.base {
		return v
	}
	out := bytes.Clone(v[:capSize2])
	binary.LittleEndian.PutUint32(out, magic&^uint32(capRevisionMask)|capRevision2)
	return out
}
