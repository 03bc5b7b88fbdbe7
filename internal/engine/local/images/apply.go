package images

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"syscall"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/pkg/archive"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/oops"
)

// budget is what layers may still unpack to. Below zero it is overdrawn.
type budget struct {
	bytes  int64 // of files; a sparse one counts in full, since it is written in full
	stream int64 // of archives: headers, padding and what follows the end included
	files  int64
	names  int64 // bytes of the files' names and attributes: they are kept while a layer is unpacked
}

var errBudget = errors.New("too large")

// admit looks at an entry of an archive before it is unpacked.
func (b *budget) admit(h *tar.Header) (bool, error) {
	b.files--
	b.bytes -= max(h.Size, 0)
	b.names -= int64(len(h.Name) + len(h.Linkname))
	for k, v := range h.PAXRecords {
		b.names -= int64(len(k) + len(v))
	}
	if b.files < 0 || b.bytes < 0 || b.names < 0 {
		return false, errBudget
	}
	// What overlayfs keeps in attributes of its own is not for an image to say.
	for k := range h.PAXRecords {
		if strings.HasPrefix(k, "SCHILY.xattr.trusted.") {
			delete(h.PAXRecords, k)
		}
	}
	return true, nil
}

// applier unpacks layers.
type applier struct {
	store  content.Provider
	budget *budget
	roomy  func() error     // refuses when the machine's disk is about to be full
	tell   func(read int64) // bytes of the blob
}

// apply unpacks a layer into the snapshot that mounts show. It returns the digest of the archive and a directory on
// the snapshot's file system.
func (a *applier) apply(ctx context.Context, layer ocispec.Descriptor, mounts []mount.Mount) (digest.Digest, string, error) {
	ra, err := a.store.ReaderAt(ctx, layer)
	if err != nil {
		return "", "", storing(ctx, "reading a layer", err)
	}
	defer ra.Close()
	stream, end, err := decompress(&counted{r: content.NewReader(ra), tell: a.tell})
	if err != nil {
		return "", "", broken(ctx, layer, err)
	}
	defer end()
	sum := digest.Canonical.Digester()
	r := io.TeeReader(&limited{r: stream, left: &a.budget.stream, roomy: a.roomy}, sum.Hash())
	dir, opts, err := place(mounts)
	if err != nil {
		return "", "", err
	}
	if _, err := archive.Apply(ctx, dir, r, append(opts, archive.WithFilter(a.budget.admit))...); err != nil {
		return "", "", broken(ctx, layer, err)
	}
	if _, err := io.Copy(io.Discard, r); err != nil { // what follows the archive's end is part of its digest
		return "", "", broken(ctx, layer, err)
	}
	return sum.Digest(), dir, nil
}

// place tells where a snapshot's own files are: a layer is written there directly, which needs no mount.
func place(mounts []mount.Mount) (string, []archive.ApplyOpt, error) {
	if len(mounts) == 1 && mounts[0].Type == "bind" {
		return mounts[0].Source, nil, nil
	}
	if len(mounts) == 1 && mounts[0].Type == "overlay" {
		var upper string
		var lower []string
		for _, o := range mounts[0].Options {
			if v, ok := strings.CutPrefix(o, "upperdir="); ok {
				upper = v
			} else if v, ok := strings.CutPrefix(o, "lowerdir="); ok {
				lower = strings.Split(v, ":")
			}
		}
		if upper != "" && len(lower) > 0 {
			return upper, []archive.ApplyOpt{archive.WithConvertWhiteout(archive.OverlayConvertWhiteout), archive.WithParents(lower)}, nil
		}
	}
	return "", nil, oops.Unavailable("the snapshotter gives layers in a form that is not known")
}

// maxWindow bounds the memory that unpacking a zstd layer takes.
const maxWindow = 128 << 20

// decompress tells from the first bytes how a layer is packed. Its media type is but what somebody says.
func decompress(r io.Reader) (io.Reader, func(), error) {
	buf := bufio.NewReaderSize(r, 64<<10)
	head, err := buf.Peek(4)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(buf)
		if err != nil {
			return nil, nil, err
		}
		return z, func() { _ = z.Close() }, nil
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(buf, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return buf, func() {}, nil
}

// broken words an error of unpacking: the disk's, or the layer's own.
func broken(ctx context.Context, layer ocispec.Descriptor, err error) error {
	for _, ours := range []error{syscall.EIO, syscall.EROFS, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOSPC, syscall.EDQUOT} {
		if errors.Is(err, ours) {
			return storing(ctx, "unpacking a layer", err)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, errDiskFull) {
		return errDiskFull
	}
	return oops.Invalid("layer %s of it cannot be unpacked: %w", short(layer.Digest), err)
}

// counted tells how much was read.
type counted struct {
	r    io.Reader
	n    int64
	tell func(int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	c.tell(c.n)
	return n, err
}

// limited overdraws left by reading too much, and then fails.
type limited struct {
	r     io.Reader
	left  *int64
	roomy func() error // nil: what is read is not written
}

func (l *limited) Read(p []byte) (int, error) {
	if l.roomy != nil {
		if err := l.roomy(); err != nil {
			return 0, err
		}
	}
	n, err := l.r.Read(p)
	if *l.left -= int64(n); *l.left < 0 {
		return 0, errBudget
	}
	return n, err
}
