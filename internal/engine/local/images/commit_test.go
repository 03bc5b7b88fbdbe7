package images

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/errdefs"
	"github.com/klauspost/compress/gzip"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

// upper is what an overlay's upper directory may hold.
func upper(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "hu-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	must := func(errs ...error) {
		t.Helper()
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	must(
		os.Mkdir(at("etc"), 0o755), os.Mkdir(at("fresh"), 0o700), os.WriteFile(at("fresh/x"), []byte("x"), 0o640), os.Lchown(at("fresh/x"), 33, 34),
		unix.Mknod(at("etc/b"), unix.S_IFCHR, 0), // gone
		unix.Lsetxattr(at("fresh"), opaqueXattr, []byte("y"), 0),
		os.WriteFile(at("one"), []byte("linked"), 0o755), os.Link(at("one"), at("two")),
		os.Symlink("/etc/shadow", at("link")), os.Symlink("/", at("root")),
		unix.Mkfifo(at("pipe"), 0o600), unix.Mknod(at("null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))),
		unix.Lsetxattr(at("one"), "user.note", []byte("kept"), 0),
	)
	caps := []byte{1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0} // cap_net_bind_service
	must(unix.Lsetxattr(at("one"), "security.capability", caps, 0), unix.Chmod(at("fresh/x"), 0o4640))
	f, err := os.Create(at("sparse"))
	must(err, f.Truncate(1<<20), f.Close())
	l, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	must(err, unix.Bind(l, &unix.SockaddrUnix{Name: at("socket")}), unix.Close(l))
	return dir
}

func commitDir(t *testing.T, a account.Ref, base, dir string, change ...func(*Config)) (*engine.Image, error) {
	t.Helper()
	c := Config{Client: daemon.Client()}
	for _, f := range change {
		f(&c)
	}
	var out *engine.Image
	config := ocispec.Image{Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"}, Config: ocispec.ImageConfig{Cmd: []string{"sh"}}}
	err := New(c).CommitDir(t.Context(), a, engine.CommitRequest{
		Base: base, Config: config, Docker: engine.DockerConfig{OnBuild: []string{"RUN x"}},
		Keep: func(img *engine.Image, _ []string, enter func(context.Context) error) error {
			out = img
			return enter(t.Context())
		},
	}, dir)
	return out, err
}

func TestCommit(t *testing.T) {
	s, a := aSoundImage(t), anAccount(t)
	if _, err := loadInto(t, a, bytes.NewReader(s.docker(t, "base:1").bytes(t))); err != nil {
		t.Fatal(err)
	}
	img, err := commitDir(t, a, s.id(), upper(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(img.DiffIDs) != 3 || fmt.Sprint(img.Config.Config.Cmd) != "[sh]" || fmt.Sprint(img.Docker.OnBuild) != "[RUN x]" || img.Size < 1<<20 {
		t.Errorf("%+v", img)
	}
	want := `etc/ dir 755 0:0
etc/.wh.b file 0 0:0
fresh/ dir 700 0:0
fresh/.wh..wh..opq file 0 0:0
fresh/x file 4640 33:34
link to /etc/shadow
null device 1,3
one file 755 0:0 with security.capability user.note
pipe pipe 600 0:0
root to /
sparse file 644 0:0
two is one
`
	if got := listing(t, a, img); got != want {
		t.Errorf("the layer is\n%s", got)
	}
	// The same again is the same image.
	collect(t, a)
	if r := remains(t, a); r != (left{images: 2, blobs: 7, snapshots: 3}) {
		t.Errorf("there is %+v", r)
	}
}

// listing tells what is in an image's topmost layer.
func listing(t *testing.T, a account.Ref, img *engine.Image) string {
	t.Helper()
	ctx := scope(t, a)
	st := New(Config{Client: daemon.Client()})
	rec, err := daemon.Client().ImageService().Get(ctx, img.ID)
	if err != nil {
		t.Fatal(err)
	}
	doc, _, err := st.recorded(ctx, rec)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := content.ReadBlob(ctx, daemon.Client().ContentStore(), doc.Layers[len(doc.Layers)-1])
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for in := tar.NewReader(z); ; {
		h, err := in.Next()
		if err == io.EOF {
			return out.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		owner := fmt.Sprintf("%o %d:%d", h.Mode, h.Uid, h.Gid)
		switch h.Typeflag {
		case tar.TypeDir:
			fmt.Fprintln(&out, h.Name, "dir", owner)
		case tar.TypeReg:
			fmt.Fprint(&out, h.Name, " file ", owner)
			sep := " with "
			for _, k := range []string{"security.capability", "user.note"} {
				if _, ok := h.PAXRecords[paxXattr+k]; ok {
					fmt.Fprint(&out, sep, k)
					sep = " "
				}
			}
			fmt.Fprintln(&out)
		case tar.TypeSymlink:
			fmt.Fprintln(&out, h.Name, "to", h.Linkname)
		case tar.TypeLink:
			fmt.Fprintln(&out, h.Name, "is", h.Linkname)
		case tar.TypeFifo:
			fmt.Fprintln(&out, h.Name, "pipe", owner)
		case tar.TypeChar:
			fmt.Fprintf(&out, "%s device %d,%d\n", h.Name, h.Devmajor, h.Devminor)
		}
	}
}

func TestCommitRefusals(t *testing.T) {
	s := aSoundImage(t)
	for name, tc := range map[string]struct {
		make   func(dir string) error
		change func(*Config)
		base   string
		is     func(error) bool
		says   string
	}{
		"a name that means a removal": {func(dir string) error { return os.WriteFile(filepath.Join(dir, ".wh.x"), nil, 0o600) }, nil, "", errdefs.IsInvalidArgument, "/.wh.x cannot be kept"},
		"a file of terabytes": {func(dir string) error {
			f, err := os.Create(filepath.Join(dir, "sparse"))
			if err != nil {
				return err
			}
			defer f.Close()
			return f.Truncate(1 << 40)
		}, func(c *Config) { c.MaxImageSize = 1 << 20 }, "", errdefs.IsResourceExhausted, "larger than"},
		"many files": {func(dir string) error {
			for i := range 20 {
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), nil, 0o600); err != nil {
					return err
				}
			}
			return nil
		}, func(c *Config) { c.MaxFiles = 10 }, "", errdefs.IsResourceExhausted, "more than 10 files"},
		"a renamed directory's remains": {func(dir string) error {
			return unix.Lsetxattr(filepath.Join(dir, "d"), "trusted.overlay.redirect", []byte("/etc"), 0)
		}, nil, "", errdefs.IsUnavailable, "redirect_dir"},
		"no such image": {func(string) error { return nil }, nil, "sha256:" + strings.Repeat("0", 64), errdefs.IsNotFound, "pull it again"},
	} {
		t.Run(name, func(t *testing.T) {
			a := anAccount(t)
			if _, err := loadInto(t, a, bytes.NewReader(s.docker(t).bytes(t))); err != nil {
				t.Fatal(err)
			}
			dir, err := os.MkdirTemp("/var/tmp", "hu-")
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(dir)
			if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := tc.make(dir); err != nil {
				t.Fatal(err)
			}
			if tc.base == "" {
				tc.base = s.id()
			}
			var change []func(*Config)
			if tc.change != nil {
				change = append(change, tc.change)
			}
			if _, err := commitDir(t, a, tc.base, dir, change...); !tc.is(err) || !strings.Contains(fmt.Sprint(err), tc.says) {
				t.Errorf("%v", err)
			}
			collect(t, a)
			if r := remains(t, a); r != (left{images: 1, blobs: 4, snapshots: 2}) {
				t.Errorf("it left %+v", r)
			}
		})
	}
}
