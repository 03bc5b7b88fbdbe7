package runtime

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/klauspost/compress/zstd"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/test/bombs"
)

// bomb streams a tar whose entries a function makes, packed by gzip or zstd: it is never whole anywhere.
func bomb(t *testing.T, pack func(io.Writer) io.WriteCloser, entries func(w *tar.Writer) error) io.Reader {
	t.Helper()
	r, w := io.Pipe()
	t.Cleanup(func() { r.Close() })
	go func() {
		z := pack(w)
		in := tar.NewWriter(z)
		err := entries(in)
		if err == nil {
			err = in.Close()
		}
		if cerr := z.Close(); err == nil {
			err = cerr
		}
		w.CloseWithError(err)
	}()
	return r
}

func byGzip(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }

func byZstd(w io.Writer) io.WriteCloser {
	z, err := zstd.NewWriter(w)
	if err != nil {
		panic(err)
	}
	return z
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func head(w *tar.Writer, h tar.Header) error {
	if h.Typeflag == 0 {
		h.Typeflag = tar.TypeReg
	}
	if h.Mode == 0 {
		h.Mode = 0o755
	}
	return w.WriteHeader(&h)
}

// TestBombsInACopy unpacks archives that are small as they are sent, and much else otherwise, into a container. Each ends with a sentence; the machine has
// lost nothing but what the container's disk may take, and the process that unpacks has not taken the machine's memory.
func TestBombsInACopy(t *testing.T) {
	shared.filesMemory = 224 << 20
	t.Cleanup(func() { shared.filesMemory = filesMemory })
	for name, tc := range map[string]struct {
		archive func() io.Reader
		is      func(error) bool
		says    string
	}{
		"zeros": {func() io.Reader {
			return bomb(t, byGzip, func(w *tar.Writer) error {
				if err := head(w, tar.Header{Name: "zeros", Size: 1 << 40}); err != nil {
					return err
				}
				_, err := io.CopyN(w, endless{}, 1<<40)
				return err
			})
		}, errdefs.IsResourceExhausted, "is full"},
		"a file of 8 EB that is all hole": {func() io.Reader { return bytes.NewReader(bombs.Sparse("hole")) }, errdefs.IsResourceExhausted, "is full"},
		"a size of 8 EB and no bytes": {func() io.Reader {
			var b bytes.Buffer
			_ = head(tar.NewWriter(&b), tar.Header{Name: "huge", Size: 1<<63 - 1})
			return &b
		}, errdefs.IsInvalidArgument, "unexpected EOF"},
		"attributes of one directory, again and again": {func() io.Reader {
			return bomb(t, byZstd, func(w *tar.Writer) error {
				attribute := map[string]string{"SCHILY.xattr.user.a": strings.Repeat("x", 3000)}
				for range 120000 {
					if err := head(w, tar.Header{Name: "d/", Typeflag: tar.TypeDir, Format: tar.FormatPAX, PAXRecords: attribute}); err != nil {
						return err
					}
				}
				return nil
			})
		}, errdefs.IsResourceExhausted, "take too much memory"},
		"names of owners": {func() io.Reader {
			return bomb(t, byZstd, func(w *tar.Writer) error {
				for range 400 {
					if err := head(w, tar.Header{Name: "d/", Typeflag: tar.TypeDir, Format: tar.FormatPAX, Uname: strings.Repeat("x", 1<<20-100)}); err != nil {
						return err
					}
				}
				return nil
			})
		}, func(err error) bool { return err == nil }, ""},
		"a name of 64 KB": {func() io.Reader {
			return bomb(t, byGzip, func(w *tar.Writer) error { return head(w, tar.Header{Name: strings.Repeat("x", 64<<10)}) })
		}, errdefs.IsInvalidArgument, "name too long"},
		"directories 30,000 deep": {func() io.Reader {
			return bomb(t, byGzip, func(w *tar.Writer) error {
				return head(w, tar.Header{Name: strings.Repeat("d/", 30000), Typeflag: tar.TypeDir})
			})
		}, errdefs.IsInvalidArgument, "name too long"},
		"more files than the disk has room for": {func() io.Reader {
			return bomb(t, byGzip, func(w *tar.Writer) error {
				for i := range 1 << 30 {
					if err := head(w, tar.Header{Name: fmt.Sprintf("many/%d/%d", i%100, i)}); err != nil {
						return err
					}
				}
				return nil
			})
		}, errdefs.IsResourceExhausted, "is full"},
		"a window of 4 GB": {func() io.Reader {
			// A frame of zstd that is whole but for what its head asks for.
			return bytes.NewReader([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xb0, 0x01, 0x00, 0x00})
		}, errdefs.IsInvalidArgument, "indow"},
	} {
		t.Run(name, func(t *testing.T) {
			c := container(t, "sleep", "100")
			err := c.r.WriteFiles(t.Context(), c.a, c.site(false), "/", engine.WriteOptions{}, tc.archive())
			if !tc.is(err) || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%.300v", err)
			}
		})
	}
}
