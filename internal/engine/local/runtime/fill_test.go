package runtime

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

// emptyVolume is the directory of a volume that is about to be filled.
func emptyVolume(t *testing.T) (account.Ref, string) {
	t.Helper()
	a, id := accountNumber(t, 0), newID()
	dir, err := volumes.BeginFill(t.Context(), a, id, 32<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := volumes.DropFill(context.Background(), a, id); err != nil {
			t.Error(err)
		}
	})
	return a, dir
}

// inventory tells of everything in a directory: its name, kind and mode, owner, and what is in it or where it leads.
func inventory(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(name)
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		rel, _ := filepath.Rel(dir, name)
		line := fmt.Sprintf("%s %v %d:%d", rel, info.Mode(), st.Uid, st.Gid)
		switch {
		case info.Mode().IsRegular():
			raw, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			line += " " + string(raw)
		case info.Mode()&os.ModeSymlink != 0:
			to, _ := os.Readlink(name)
			line += " " + to
		}
		out = append(out, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFillWithAnArchive(t *testing.T) {
	a, dir := emptyVolume(t)
	got, err := shared.FillDirectory(t.Context(), a, dir, engine.FillSource{Tar: tarOf(t,
		tar.Header{Name: ".", Typeflag: tar.TypeDir, Mode: 0o750, Uid: 1000, Gid: 1000},
		tar.Header{Name: "a", Uid: 1000, Gid: 33, Mode: 0o4755},
		tar.Header{Name: "d", Typeflag: tar.TypeDir, Mode: 0o700},
		tar.Header{Name: "d/b", Uid: 4_000_000, Gid: -1, Mode: 0o4644}, // nobody's, and not for its owner to run as
		tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd", Mode: 0o777},
		tar.Header{Name: "d/pipe", Typeflag: tar.TypeFifo, Mode: 0o600},
	)})
	if err != nil || got.File != "" {
		t.Fatalf("%+v, %v", got, err)
	}
	want := []string{
		". drwxr-x--- 1000:1000",
		"a urwxr-xr-x 1000:33 a",
		"d drwx------ 0:0",
		"d/b -rw-r--r-- 65534:65534 d/b",
		"d/pipe prw------- 0:0",
		"link Lrwxrwxrwx 0:0 /etc/passwd",
	}
	if got := inventory(t, dir); !slices.Equal(got, want) {
		t.Errorf("the volume holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestFillWithOneFile(t *testing.T) {
	for what, src := range map[string]engine.FillSource{
		"archive": {Tar: tarOf(t, tar.Header{Name: "a.conf"})},
		"file":    {File: strings.NewReader("a.conf"), Name: "a.conf"},
	} {
		a, dir := emptyVolume(t)
		got, err := shared.FillDirectory(t.Context(), a, dir, src)
		if err != nil || got.File != "a.conf" {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
		if got := inventory(t, dir); len(got) != 2 || got[1] != "a.conf -rw-r--r-- 0:0 a.conf" {
			t.Errorf("%s: the volume holds %q", what, got)
		}
	}
	// A directory with one file in it stays a directory.
	a, dir := emptyVolume(t)
	got, err := shared.FillDirectory(t.Context(), a, dir, engine.FillSource{Tar: tarOf(t, tar.Header{Name: ".", Typeflag: tar.TypeDir, Mode: 0o755}, tar.Header{Name: "a.conf"})})
	if err != nil || got.File != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// What an archive cannot say ends in a sentence, and nothing of it is outside of the volume.
func TestFillWithHostileArchives(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	endless := func() io.Reader {
		h := tar.Header{Name: "endless", Typeflag: tar.TypeReg, Size: 1 << 40, Mode: 0o644, Format: tar.FormatGNU}
		r, w := io.Pipe()
		go func() {
			_ = tar.NewWriter(w).WriteHeader(&h)
			_, err := io.Copy(w, zeroes{})
			_ = w.CloseWithError(err)
		}()
		t.Cleanup(func() { _ = r.Close() })
		return r
	}
	for what, c := range map[string]struct {
		src  io.Reader
		is   func(error) bool
		says string
	}{
		"up":               {tarOf(t, tar.Header{Name: "../up"}), errdefs.IsInvalidArgument, `leads out of it: "../up"`},
		"up in the middle": {tarOf(t, tar.Header{Name: "a/../../up"}), errdefs.IsInvalidArgument, "leads out of it"},
		"absolute":         {tarOf(t, tar.Header{Name: "/etc/up"}), errdefs.IsInvalidArgument, `absolute path in it: "/etc/up"`},
		"over a link": {tarOf(t, tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: filepath.Dir(secret)}, tar.Header{Name: "l/secret"}),
			errdefs.IsInvalidArgument, "leads over a link of its own"},
		"hard link up":                     {tarOf(t, tar.Header{Name: "l", Typeflag: tar.TypeLink, Linkname: "../../" + secret}), errdefs.IsInvalidArgument, "to what is not in it"},
		"hard link away":                   {tarOf(t, tar.Header{Name: "l", Typeflag: tar.TypeLink, Linkname: secret}), errdefs.IsInvalidArgument, "to what is not in it"},
		"a device":                         {tarOf(t, tar.Header{Name: "sda", Typeflag: tar.TypeBlock, Devmajor: 8}), errdefs.IsInvalidArgument, `a device or an unknown kind of file: "sda"`},
		"a null device":                    {tarOf(t, tar.Header{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}), errdefs.IsInvalidArgument, "a device"},
		"no archive":                       {strings.NewReader(strings.Repeat("this is no archive ", 100)), errdefs.IsInvalidArgument, "no archive"},
		"cut off":                          {io.LimitReader(tarOf(t, tar.Header{Name: "a"}), 512), errdefs.IsInvalidArgument, "unexpected EOF"},
		"broken":                           {io.MultiReader(tarOf(t, tar.Header{Name: "a"}), iotest.ErrReader(errors.New("the line is cut"))), nil, "the line is cut"},
		"too large":                        {endless(), errdefs.IsResourceExhausted, "does not fit"},
		"file in the place of a directory": {tarOf(t, tar.Header{Name: "a"}, tar.Header{Name: "a/b"}), errdefs.IsInvalidArgument, ""},
	} {
		t.Run(what, func(t *testing.T) {
			a, dir := emptyVolume(t)
			_, err := shared.FillDirectory(t.Context(), a, dir, engine.FillSource{Tar: c.src})
			if err == nil || c.is != nil && !c.is(err) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error is %v", err)
			}
		})
	}
	if raw, err := os.ReadFile(secret); err != nil || string(raw) != "secret" {
		t.Errorf("the file outside holds %q, %v", raw, err)
	}
}

// zeroes is an endless file.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestFillWithAnEndlessFile(t *testing.T) {
	a, dir := emptyVolume(t)
	if _, err := shared.FillDirectory(t.Context(), a, dir, engine.FillSource{File: zeroes{}, Name: "f"}); !errdefs.IsResourceExhausted(err) {
		t.Errorf("error is %v", err)
	}
	for _, name := range []string{"", ".", "..", "a/b", "../b", strings.Repeat("x", 256)} {
		a, dir := emptyVolume(t)
		if _, err := shared.FillDirectory(t.Context(), a, dir, engine.FillSource{File: strings.NewReader("x"), Name: name}); !errdefs.IsInvalidArgument(err) {
			t.Errorf("a file called %q: %v", name, err)
		}
	}
}

// Who stops a filling waits for nobody.
func TestFillIsStopped(t *testing.T) {
	a, dir := emptyVolume(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	r, w := io.Pipe()
	defer w.Close()
	go func() {
		_, _ = w.Write(make([]byte, 10))
		cancel(errdefs.ErrAborted)
	}()
	if _, err := shared.FillDirectory(ctx, a, dir, engine.FillSource{File: r, Name: "f"}); !errors.Is(err, errdefs.ErrAborted) {
		t.Errorf("error is %v", err)
	}
}

// A volume that holds one file is mounted as that file, and as nothing else.
func TestVolumeOfOneFile(t *testing.T) {
	a, id := accountNumber(t, 0), newID()
	dir, err := volumes.BeginFill(t.Context(), a, id, 32<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = volumes.DropFill(context.Background(), a, id) })
	if _, err := shared.FillDirectory(t.Context(), a, dir, engine.FillSource{File: strings.NewReader("setting=1\n"), Name: "a.conf"}); err != nil {
		t.Fatal(err)
	}
	c := container(t, "sh", "-c", "cat /etc/deep/a.conf; echo more >> /etc/deep/a.conf; rm /etc/deep/a.conf; exit 3")
	c.spec.Mounts = []engine.Mount{{Source: dir, File: "a.conf", Destination: "/etc/deep/a.conf", IDMap: true}}
	if code, out, _ := c.run(); !strings.HasPrefix(out, "setting=1\n") || code != 3 {
		t.Errorf("it says %q and ends with %d", out, code)
	}
	if raw, err := os.ReadFile(filepath.Join(dir, "a.conf")); err != nil || string(raw) != "setting=1\nmore\n" {
		t.Errorf("the volume holds %q, %v", raw, err)
	}
	// Files are copied in and out of it while the container rests.
	at := engine.FileSite{ID: c.id, Mounts: c.spec.Mounts}
	if st, err := c.r.StatFile(t.Context(), c.a, at, "/etc/deep/a.conf"); err != nil || st.Size != 15 || !st.Mode.IsRegular() {
		t.Errorf("%+v, %v", st, err)
	}
	d := container(t, "true")
	d.spec.Mounts = []engine.Mount{{Source: dir, File: "a.conf", Destination: "/bin", IDMap: true}}
	if _, err := d.r.StartContainer(t.Context(), d.a, d.spec, nil); !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), "a file cannot be mounted at /bin: the image has a directory there") {
		t.Errorf("a file over a directory: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "a.conf")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Symlink("/etc/passwd", filepath.Join(dir, "a.conf")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.r.StartContainer(t.Context(), d.a, d.spec, nil); !errdefs.IsInvalidArgument(err) {
		t.Errorf("a link in the place of the file: %v", err)
	}
}
