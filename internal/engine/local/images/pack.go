package images

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/oops"
)

// What marks a removal in a layer (the OCI's words) and in an overlay's upper directory.
const (
	whiteout    = ".wh."
	opaque      = ".wh..wh..opq"
	opaqueXattr = "trusted.overlay.opaque"
	paxXattr    = "SCHILY.xattr."
)

// packer writes an overlay's upper directory as a layer. What is in it is a stranger's, and stands still: links are not followed, and devices
// and pipes not opened.
type packer struct {
	ctx   context.Context //nolint:containedctx // of the one layer
	tar   *tar.Writer
	dir   string
	seen  map[inode]string
	files int64
	roomy func() error
}

type inode struct{ dev, ino uint64 }

// pack writes a directory as a layer to w.
func (p *work) pack(ctx context.Context, w io.Writer, dir string) error {
	left := p.MaxImageSize
	k := &packer{
		ctx: ctx, tar: tar.NewWriter(&limitedWriter{w, &left}), dir: dir, seen: map[inode]string{}, files: p.MaxFiles, roomy: p.roomy,
	}
	err := k.content("")
	if err == nil {
		err = k.tar.Close()
	}
	switch {
	case left < 0:
		return p.tooLarge()
	case k.files < 0:
		return oops.Exhausted("the container has written more than %d files", p.MaxFiles)
	}
	return err
}

// limitedWriter overdraws left by writing too much, and then fails.
type limitedWriter struct {
	w    io.Writer
	left *int64
}

func (l *limitedWriter) Write(b []byte) (int, error) {
	if *l.left -= int64(len(b)); *l.left < 0 {
		return 0, errBudget
	}
	return l.w.Write(b)
}

// content writes what is in a directory, in the order of names: the same content makes the same layer.
func (k *packer) content(name string) error {
	entries, err := os.ReadDir(filepath.Join(k.dir, name))
	if err != nil {
		return fmt.Errorf("reading what the container wrote: %w", err)
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		if err := k.entry(filepath.Join(name, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (k *packer) entry(name string) error {
	if err := k.ctx.Err(); err != nil {
		return err
	}
	if err := k.roomy(); err != nil {
		return err
	}
	if k.files--; k.files < 0 {
		return errBudget
	}
	file := filepath.Join(k.dir, name)
	var st unix.Stat_t
	if err := unix.Lstat(file, &st); err != nil {
		return fmt.Errorf("reading what the container wrote: %w", err)
	}
	dir, base := filepath.Split(name)
	if st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == 0 {
		return k.mark(dir + whiteout + base)
	}
	if strings.HasPrefix(base, whiteout) {
		return oops.Invalid("/%s cannot be kept in an image: names that begin with %s mean something else there", name, whiteout)
	}
	h, err := k.header(name, file, &st)
	if err != nil || h == nil {
		return err
	}
	if err := k.tar.WriteHeader(h); err != nil {
		return fmt.Errorf("writing the layer: %w", err)
	}
	switch h.Typeflag {
	case tar.TypeReg:
		return k.bytes(file, h.Size)
	case tar.TypeDir:
		if isOpaque(file) {
			if err := k.mark(filepath.Join(name, opaque)); err != nil {
				return err
			}
		}
		return k.content(name)
	}
	return nil
}

// mark writes an entry that says what is gone.
func (k *packer) mark(name string) error {
	return k.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, ModTime: time.Unix(0, 0)})
}

// header describes a file; nil is what no archive holds.
func (k *packer) header(name, file string, st *unix.Stat_t) (*tar.Header, error) {
	h := &tar.Header{
		Name: name, Mode: int64(st.Mode & 0o7777), Uid: int(st.Uid), Gid: int(st.Gid), ModTime: time.Unix(st.Mtim.Sec, 0), Format: tar.FormatPAX,
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		h.Typeflag, h.Size = tar.TypeReg, st.Size
	case unix.S_IFDIR:
		h.Typeflag, h.Name = tar.TypeDir, name+"/"
	case unix.S_IFLNK:
		h.Typeflag = tar.TypeSymlink
		to, err := os.Readlink(file)
		if err != nil {
			return nil, fmt.Errorf("reading what the container wrote: %w", err)
		}
		h.Linkname = to
	case unix.S_IFIFO:
		h.Typeflag = tar.TypeFifo
	case unix.S_IFCHR, unix.S_IFBLK:
		h.Typeflag = tar.TypeChar
		if st.Mode&unix.S_IFMT == unix.S_IFBLK {
			h.Typeflag = tar.TypeBlock
		}
		h.Devmajor, h.Devminor = int64(unix.Major(st.Rdev)), int64(unix.Minor(st.Rdev))
	default:
		return nil, nil // a socket means nothing without its process
	}
	if st.Nlink > 1 && h.Typeflag != tar.TypeDir {
		id := inode{st.Dev, st.Ino}
		if first, ok := k.seen[id]; ok {
			h.Typeflag, h.Linkname, h.Size = tar.TypeLink, first, 0
			return h, nil
		}
		k.seen[id] = name
	}
	return h, xattrs(file, h)
}

// xattrs adds extended attributes to a header: a user's, and file capabilities.
func xattrs(file string, h *tar.Header) error {
	names := make([]byte, 64<<10)
	n, err := unix.Llistxattr(file, names)
	if errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading what the container wrote: %w", err)
	}
	value := make([]byte, 64<<10)
	for raw := range bytes.SplitSeq(names[:n], []byte{0}) {
		name := string(raw)
		switch {
		case name == "trusted.overlay.redirect", name == "trusted.overlay.metacopy":
			return oops.Unavailable("this machine's overlay file system keeps changes in a form that cannot be made into a layer (%s): the operator has to switch redirect_dir and metacopy off", name)
		case name != "security.capability" && !strings.HasPrefix(name, "user.") || strings.HasPrefix(name, "user.overlay."):
			continue
		}
		n, err := unix.Lgetxattr(file, name, value)
		if err != nil {
			return fmt.Errorf("reading %s of what the container wrote: %w", name, err)
		}
		if h.PAXRecords == nil {
			h.PAXRecords = map[string]string{}
		}
		if strings.ContainsAny(name, "=\x00") || strings.ContainsRune(name, '\n') {
			continue // no archive can say that
		}
		h.PAXRecords[paxXattr+name] = string(value[:n])
	}
	return nil
}

func isOpaque(dir string) bool {
	value := make([]byte, 8)
	n, err := unix.Lgetxattr(dir, opaqueXattr, value)
	return err == nil && string(value[:n]) == "y"
}

// bytes copies a file's content.
func (k *packer) bytes(file string, size int64) error {
	if size == 0 {
		return nil
	}
	f, err := os.OpenFile(file, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("reading what the container wrote: %w", err)
	}
	defer f.Close()
	for left := size; left > 0; {
		if err := k.ctx.Err(); err != nil {
			return err
		}
		n, err := io.CopyN(k.tar, f, min(left, look))
		if left -= n; err != nil {
			return fmt.Errorf("reading what the container wrote: %w", err)
		}
		if err := k.roomy(); err != nil {
			return err
		}
	}
	return nil
}
