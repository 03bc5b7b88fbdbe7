package images

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/unwrap"
)

const (
	// maxEntries is how many entries an archive may have: 127 layers of several files each, and several images.
	maxEntries = 16 << 10
	// maxNames is how many bytes the names in an archive may have, those that links lead to included: they are kept until all of it is read, and one
	// may have a megabyte.
	maxNames = 4 << 20
	// maxLinks is how many links are followed from a name in an archive to its content.
	maxLinks = 8
	// look is after how many bytes the machine's disk is looked at again.
	look = 64 << 20
)

// What is said of an archive that is not one, in words that the original's users and tests know (api 7.3).
var (
	errNoArchive = oops.Invalid("the archive cannot be read: invalid argument: it is no tar, plain or packed by gzip, bzip2, xz or zstd")
	errCut       = oops.Invalid("Untar re-exec error: exit status 1: output: unexpected EOF")
)

// holding is what an archive held. Names are clean and relative.
type holding struct {
	files    map[string]ocispec.Descriptor // digest and size
	links    map[string]string
	byDigest map[digest.Digest]int64 // size
}

// get finds a file by the name that another of the archive has for it.
func (h *holding) get(name string) (ocispec.Descriptor, bool) {
	name = cleanName(name)
	for range maxLinks {
		if d, ok := h.files[name]; ok {
			return d, true
		}
		to, ok := h.links[name]
		if !ok {
			break
		}
		name = to
	}
	return ocispec.Descriptor{}, false
}

func cleanName(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

// take reads an archive to its end and puts its files into the content store, whatever they are: what turns out to be no part of an
// image is collected with the lease. No name in it becomes the name of a file.
func (p *work) take(ctx context.Context, r io.Reader) (*holding, error) {
	stream, end, err := unwrap.Reader(sender{r})
	if err != nil {
		return nil, readError(ctx, err, true)
	}
	defer end()
	left := 2 * p.MaxImageSize
	full := left // as left, of what files say of their size: a sparse one is longer than what is sent of it
	names := maxNames
	in := tar.NewReader(&limited{r: stream, left: &left})
	out := &holding{files: map[string]ocispec.Descriptor{}, links: map[string]string{}, byDigest: map[digest.Digest]int64{}}
	for n := 0; ; n++ {
		h, err := in.Next()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, p.takeError(ctx, err, n == 0, left)
		}
		if n == maxEntries {
			return nil, oops.Invalid("the archive has more than %d entries", maxEntries)
		}
		if names -= len(h.Name) + len(h.Linkname); names < 0 {
			return nil, oops.Invalid("the names in the archive have more than %d MB together", maxNames>>20)
		}
		name := cleanName(h.Name)
		switch h.Typeflag {
		case tar.TypeSymlink:
			out.links[name] = cleanName(path.Join(path.Dir(name), h.Linkname))
		case tar.TypeLink:
			out.links[name] = cleanName(h.Linkname)
		case tar.TypeReg:
			if unused[path.Base(name)] {
				continue
			}
			if h.Size > full {
				return nil, p.holdsTooMuch()
			}
			full -= h.Size
			desc, err := p.store(ctx, in, n)
			if err != nil {
				return nil, p.takeError(ctx, err, false, left)
			}
			out.files[name], out.byDigest[desc.Digest] = desc, desc.Size
		}
	}
}

// unused are files of Docker's archives that only its first versions read.
var unused = map[string]bool{"VERSION": true, "json": true, "repositories": true}

func (p *work) takeError(ctx context.Context, err error, first bool, left int64) error {
	if left < 0 {
		return p.holdsTooMuch()
	}
	return readError(ctx, err, first)
}

func (p *work) holdsTooMuch() error {
	return oops.Exhausted("the archive holds more than %d GB", 2*p.MaxImageSize>>30)
}

// readError words an error of reading an archive: the connection's, the archive's, or the disk's.
func readError(ctx context.Context, err error, first bool) error {
	var theirs *senderError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &theirs):
		return theirs.error
	case errdefs.IsResourceExhausted(err), errdefs.IsInvalidArgument(err):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errCut
	case first:
		return errNoArchive
	case errors.Is(err, errStoring):
		return err
	}
	return oops.Invalid("the archive cannot be read: %w", err)
}

var errStoring = errors.New("keeping a file of the archive")

// store puts one file into the content store.
func (p *work) store(ctx context.Context, r io.Reader, n int) (ocispec.Descriptor, error) {
	cs := p.Client.ContentStore()
	ref := fmt.Sprintf("load-%s-%d", p.lease.ID, n)
	w, err := content.OpenWriter(ctx, cs, content.WithRef(ref))
	if err != nil {
		return ocispec.Descriptor{}, errors.Join(errStoring, storing(ctx, "opening a place for a file", err))
	}
	defer w.Close()
	size, err := p.copy(ctx, w, r)
	if err != nil {
		_ = w.Close()
		_ = cs.Abort(context.WithoutCancel(ctx), ref)
		return ocispec.Descriptor{}, err
	}
	sum := w.Digest()
	if err := w.Commit(ctx, size, sum); err != nil && !errdefs.IsAlreadyExists(err) {
		return ocispec.Descriptor{}, errors.Join(errStoring, storing(ctx, "storing a file", err))
	}
	if err := p.lease.hold(ctx, "content", sum.String()); err != nil {
		return ocispec.Descriptor{}, errors.Join(errStoring, storing(ctx, "holding a file", err))
	}
	return ocispec.Descriptor{Digest: sum, Size: size}, nil
}

// copy copies while the machine's disk has room.
func (p *work) copy(ctx context.Context, w io.Writer, r io.Reader) (int64, error) {
	var size int64
	for {
		if err := p.roomy(); err != nil {
			return size, err
		}
		n, err := io.CopyN(writing{ctx, w}, r, look)
		size += n
		if err == io.EOF {
			return size, nil
		}
		if err != nil {
			return size, err
		}
	}
}

// writing tells the disk's errors from the archive's.
type writing struct {
	ctx context.Context //nolint:containedctx // of the one copy
	w   io.Writer
}

func (w writing) Write(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := w.w.Write(b)
	if err != nil {
		err = errors.Join(errStoring, storing(w.ctx, "writing a file", err))
	}
	return n, err
}

// roomy refuses to write when the machine's disk is about to be full: what is not full yet is for what runs.
func (s *Store) roomy() error {
	if s.Dir == "" {
		return nil
	}
	var st unix.Statfs_t
	if err := unix.Statfs(s.Dir, &st); err != nil {
		return fmt.Errorf("looking at the machine's disk: %w", err)
	}
	if int64(st.Bavail)*st.Bsize < s.Headroom {
		return errDiskFull
	}
	return nil
}

// sender marks the errors of whoever sends.
type sender struct{ r io.Reader }

type senderError struct{ error }

func (e *senderError) Unwrap() error { return e.error }

func (s sender) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
		err = &senderError{err}
	}
	return n, err
}
