package images

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/test/bombs"
)

// resident is how many bytes of memory this process has.
func resident(t *testing.T) int64 {
	t.Helper()
	raw, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var size, pages int64
	if _, err := fmt.Sscan(string(raw), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// streamed is a tar that is made as it is read.
func streamed(t *testing.T, entries func(w *tar.Writer) error) io.Reader {
	t.Helper()
	r, w := io.Pipe()
	t.Cleanup(func() { r.Close() })
	go func() {
		in := tar.NewWriter(w)
		err := entries(in)
		if err == nil {
			err = in.Close()
		}
		w.CloseWithError(err)
	}()
	return r
}

// TestBombs loads archives that are made to take the machine's memory or its disk. Each ends with a sentence, and nothing of it is left.
func TestBombs(t *testing.T) {
	long := func(i int) string { return fmt.Sprint(i, "-", strings.Repeat("x", 1<<20-100)) }
	layer := func(entries func(w *tar.Writer) error) io.Reader {
		raw, err := io.ReadAll(streamed(t, entries))
		if err != nil {
			t.Fatal(err)
		}
		s := aSoundImage(t)
		p := s.docker(t, "app:1")
		p.entries[0].body = string(raw)
		return bytes.NewReader(p.bytes(t))
	}
	for name, tc := range map[string]struct {
		archive func() io.Reader
		says    string
	}{
		"names of a megabyte": {func() io.Reader {
			return streamed(t, func(w *tar.Writer) error {
				for i := range 3000 {
					if err := w.WriteHeader(&tar.Header{Name: fmt.Sprint(i), Linkname: long(i), Typeflag: tar.TypeSymlink, Format: tar.FormatPAX}); err != nil {
						return err
					}
				}
				return nil
			})
		}, "the names in the archive have more than 4 MB together"},
		"a file that is all hole": {func() io.Reader { return bytes.NewReader(bombs.Sparse("layer.tar")) }, "the archive holds more than"},
		"a layer that is all hole": {func() io.Reader {
			s := aSoundImage(t)
			p := s.docker(t, "app:1")
			p.entries[0].body = string(bombs.Sparse("etc/hole"))
			return bytes.NewReader(p.bytes(t))
		}, "the image is larger than"},
		"a size of 8 EB": {func() io.Reader {
			var b bytes.Buffer
			_ = tar.NewWriter(&b).WriteHeader(&tar.Header{Name: "layer.tar", Typeflag: tar.TypeReg, Size: 1<<63 - 1})
			return &b
		}, "the archive holds more than"},
		"a layer of attributes": {func() io.Reader {
			attribute := map[string]string{"SCHILY.xattr.user.a": strings.Repeat("x", 3000)}
			return layer(func(w *tar.Writer) error {
				for range 100000 {
					if err := w.WriteHeader(&tar.Header{Name: "d/", Typeflag: tar.TypeDir, Mode: 0o755, Format: tar.FormatPAX, PAXRecords: attribute}); err != nil {
						return err
					}
				}
				return nil
			})
		}, "the names and attributes of the image's files have more than 256 MB together"},
		"a name of 64 KB in a layer": {func() io.Reader {
			return layer(func(w *tar.Writer) error {
				return w.WriteHeader(&tar.Header{Name: strings.Repeat("x", 64<<10), Typeflag: tar.TypeReg, Mode: 0o644})
			})
		}, "cannot be unpacked"},
		"directories 30,000 deep": {func() io.Reader {
			return layer(func(w *tar.Writer) error {
				return w.WriteHeader(&tar.Header{Name: strings.Repeat("d/", 30000), Typeflag: tar.TypeDir, Mode: 0o755})
			})
		}, "cannot be unpacked"},
	} {
		t.Run(name, func(t *testing.T) {
			a, k := anAccount(t), &kept{}
			st := New(Config{Client: daemon.Client(), MaxImageSize: 1 << 30})
			r := tc.archive()
			before := resident(t)
			err := st.Load(t.Context(), a, engine.LoadRequest{Archive: r, Keep: k.keep})
			if err == nil || !strings.Contains(err.Error(), tc.says) || !errdefs.IsInvalidArgument(err) && !errdefs.IsResourceExhausted(err) {
				t.Errorf("%.300v", err)
			}
			if grown := resident(t) - before; grown > 1<<30 {
				t.Errorf("it took %d MB of memory", grown>>20)
			}
			collect(t, a)
			if r := remains(t, a); r != (left{}) {
				t.Errorf("it left %+v", r)
			}
		})
	}
}
