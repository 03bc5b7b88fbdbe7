package runtime

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
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/engine"
)

func tarOf(t *testing.T, headers ...tar.Header) io.Reader {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range headers {
		body := h.Name
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(body))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := io.WriteString(w, body); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &buf
}

func (c *subject) site(running bool) engine.FileSite {
	return engine.FileSite{ID: c.id, Running: running}
}

// names lists a tar.
func names(t *testing.T, r io.Reader) (out []string) {
	t.Helper()
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(io.LimitReader(in, 30))
		out = append(out, fmt.Sprintf("%s %d:%d %q", h.Name, h.Uid, h.Gid, body))
	}
}

func (c *subject) read(t *testing.T, at engine.FileSite, path string) (engine.FileStat, []string, error) {
	t.Helper()
	var buf bytes.Buffer
	var st engine.FileStat
	err := c.r.ReadFiles(t.Context(), c.a, at, path, func(s engine.FileStat) { st = s }, &buf)
	if err != nil {
		return st, nil, err
	}
	return st, names(t, &buf), nil
}

func TestFiles(t *testing.T) {
	for name, running := range map[string]bool{"of a running container": true, "of one that rests": false} {
		t.Run(name, func(t *testing.T) {
			c := container(t, "sleep", "100")
			if running {
				c.start()
			}
			at := c.site(running)
			err := c.r.WriteFiles(t.Context(), c.a, at, "/", engine.WriteOptions{}, tarOf(t,
				tar.Header{Name: "dir/", Typeflag: tar.TypeDir, Mode: 0o755}, tar.Header{Name: "dir/a", Uid: 33, Gid: 34}, tar.Header{Name: "dir/far", Uid: 100000, Mode: 0o4755},
				tar.Header{Name: "dir/null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3},
				tar.Header{Name: "out", Typeflag: tar.TypeSymlink, Linkname: "/dir"}, tar.Header{Name: "round", Typeflag: tar.TypeSymlink, Linkname: "round"},
			))
			if err != nil {
				t.Fatal(err)
			}
			st, got, err := c.read(t, at, "/dir")
			if err != nil || st.Name != "dir" || !st.Mode.IsDir() {
				t.Fatalf("%+v %v", st, err)
			}
			if s := strings.Join(got, "\n"); s != "dir/ 0:0 \"\"\ndir/a 33:34 \"dir/a\"\ndir/far 65534:0 \"dir/far\"" {
				t.Errorf("it holds\n%s", s)
			}
			if st, got, err := c.read(t, at, "/out/a"); err != nil || st.Name != "a" || len(got) != 1 {
				t.Errorf("through a link: %+v %v %v", st, got, err)
			}
			if st, err := c.r.StatFile(t.Context(), c.a, at, "out"); err != nil || st.LinkTarget != "/dir" || st.Mode&os.ModeSymlink == 0 {
				t.Errorf("the link: %+v %v", st, err)
			}
			if st, got, err := c.read(t, at, "/out/"); err != nil || !st.Mode.IsDir() || !strings.HasPrefix(got[0], "out/") {
				t.Errorf("what the link leads to: %+v %v %v", st, got, err)
			}
			for path, is := range map[string]func(error) bool{
				"/none": errdefs.IsNotFound, "/dir/a/b": errdefs.IsInvalidArgument, "/round/x": errdefs.IsInvalidArgument, "/../../../var/tmp": errdefs.IsNotFound, "a\x00b": errdefs.IsInvalidArgument,
				strings.Repeat("x", 300): errdefs.IsInvalidArgument,
			} {
				if _, err := c.r.StatFile(t.Context(), c.a, at, path); !is(err) {
					t.Errorf("%.20q: %v", path, err)
				}
			}
			if err := c.r.WriteFiles(t.Context(), c.a, at, "/dir/a", engine.WriteOptions{}, tarOf(t)); !errdefs.IsInvalidArgument(err) {
				t.Errorf("into a file: %v", err)
			}
			if err := c.r.WriteFiles(t.Context(), c.a, at, "/none", engine.WriteOptions{}, tarOf(t)); !errdefs.IsNotFound(err) {
				t.Errorf("into nothing: %v", err)
			}
			changes, err := c.r.FileChanges(t.Context(), c.a, at)
			if s := fmt.Sprint(changes); err != nil || !strings.Contains(s, "{/dir 1} {/dir/a 1} {/dir/far 1}") {
				t.Errorf("changes %s %v", s, err)
			}
			var all bytes.Buffer
			if err := c.r.ExportFiles(t.Context(), c.a, at, &all); err != nil {
				t.Fatal(err)
			}
			s := strings.Join(names(t, &all), "\n")
			if !strings.Contains(s, "dir/a 33:34") || strings.Contains(s, "proc/1") || strings.Contains(s, "dev/null") {
				t.Errorf("the export holds\n%s", s)
			}
		})
	}
}

// Whatever an archive says, and wherever a path leads, nothing outside of the container is read or written.
func TestHostileFiles(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("of the machine"), 0o644); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Dir(secret)
	for name, running := range map[string]bool{"of a running container": true, "of one that rests": false} {
		t.Run(name, func(t *testing.T) {
			c := container(t, "sleep", "100")
			if running {
				c.start()
			}
			at := c.site(running)
			write := func(headers ...tar.Header) error {
				return c.r.WriteFiles(t.Context(), c.a, at, "/tmp", engine.WriteOptions{}, tarOf(t, headers...))
			}
			if err := c.r.WriteFiles(t.Context(), c.a, at, "/", engine.WriteOptions{}, tarOf(t, tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o777})); err != nil {
				t.Fatal(err)
			}
			for what, headers := range map[string][]tar.Header{
				"dots":               {{Name: "../../../../../.." + outside + "/x"}},
				"an absolute name":   {{Name: outside + "/x"}},
				"a link, then":       {{Name: "l", Typeflag: tar.TypeSymlink, Linkname: outside}, {Name: "l/x"}},
				"dots in a link":     {{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "../../../../../.." + outside}, {Name: "l/x"}},
				"a hard link":        {{Name: "h", Typeflag: tar.TypeLink, Linkname: secret}},
				"dots in a hard one": {{Name: "h", Typeflag: tar.TypeLink, Linkname: "../../../.." + secret}},
				"a device":           {{Name: "sda", Typeflag: tar.TypeBlock, Devmajor: 8}, {Name: "mem", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 1}},
				"an unknown kind":    {{Name: "x", Typeflag: 'Z'}},
			} {
				_ = write(headers...) // refused, or kept inside
				if entries, _ := os.ReadDir(outside); len(entries) != 1 {
					t.Errorf("%s: there is more outside now: %v", what, entries)
				}
			}
			for _, dev := range []string{"sda", "mem"} {
				if _, err := c.r.StatFile(t.Context(), c.a, at, "/tmp/"+dev); !errdefs.IsNotFound(err) {
					t.Errorf("the device %s: %v", dev, err)
				}
			}
			for _, path := range []string{secret, "/tmp/l/secret", "/proc/1/root" + secret, "/proc/self/root" + secret} {
				if _, got, err := c.read(t, at, path); err == nil {
					t.Errorf("%s is read: %v", path, got)
				}
			}
			if running {
				for _, place := range []string{"/proc/self/exe", "/proc/1", "/proc/sys/kernel", "/sys/kernel"} {
					err := c.r.WriteFiles(t.Context(), c.a, at, place, engine.WriteOptions{}, tarOf(t, tar.Header{Name: "core_pattern"}))
					if err == nil {
						t.Errorf("%s is written to", place)
					}
				}
				// A device of its own is a name, and is never opened.
				if _, got, err := c.read(t, at, "/dev/zero"); err != nil || len(got) != 1 {
					t.Errorf("/dev/zero: %v %v", got, err)
				}
			}
		})
	}
}

// A process of the container swaps a directory for a link to / as fast as it can, while files are copied through that name: they stay inside.
func TestSwappedDirectories(t *testing.T) {
	c := container(t, "sh", "-c", `mkdir /w; cd /w; mkdir d; ln -s ../../../../../../.. l; ln -s / k
while :; do mv d x; mv l d; mv d l; mv k d; mv d k; mv x d; done`)
	c.start()
	marker := fmt.Sprintf("hyper-swap-%d", os.Getpid())
	end := time.Now().Add(3 * time.Second)
	for time.Now().Before(end) {
		_ = c.r.WriteFiles(t.Context(), c.a, c.site(true), "/w/d", engine.WriteOptions{}, tarOf(t, tar.Header{Name: marker}, tar.Header{Name: "var/tmp/" + marker}))
		_ = c.r.WriteFiles(t.Context(), c.a, c.site(true), "/w", engine.WriteOptions{}, tarOf(t, tar.Header{Name: "d/" + marker}))
		var buf bytes.Buffer
		if err := c.r.ReadFiles(t.Context(), c.a, c.site(true), "/w/d/etc", func(engine.FileStat) {}, &buf); err == nil && bytes.Contains(buf.Bytes(), []byte("root:x:0:0:root:/root:/bin/bash")) {
			t.Fatal("the machine's files were read")
		}
	}
	for _, dir := range []string{"/", "/var/tmp", "/etc", "/tmp", c.r.RunDir} {
		if _, err := os.Lstat(filepath.Join(dir, marker)); err == nil {
			t.Errorf("%s was written to", dir)
		}
	}
}

// Volumes of a resting container are mounted where they belong, wherever links in it lead.
func TestFilesInVolumes(t *testing.T) {
	c := container(t, "sleep", "100")
	base := filepath.Join(c.r.DataRoot, "files-"+c.id[:8])
	inner, ro := filepath.Join(base, "inner"), filepath.Join(base, "ro")
	for _, dir := range []string{inner, ro} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	err := c.r.WriteFiles(t.Context(), c.a, c.site(false), "/", engine.WriteOptions{}, tarOf(t,
		tar.Header{Name: "evil", Typeflag: tar.TypeSymlink, Linkname: "../../../../../../../" + base}))
	if err != nil {
		t.Fatal(err)
	}
	at := c.site(false)
	at.Mounts = []engine.Mount{
		{Source: inner, Destination: "/data", IDMap: true}, {Source: ro, Destination: "/ro", IDMap: true, ReadOnly: true},
	}
	if err := c.r.WriteFiles(t.Context(), c.a, at, "/data", engine.WriteOptions{}, tarOf(t, tar.Header{Name: "file", Uid: 5})); err != nil {
		t.Fatal(err)
	}
	if got := listing(t, inner); !strings.Contains(got, `file -rw-r--r-- 5:0`) {
		t.Errorf("the volume holds\n%s", got)
	}
	if err := c.r.WriteFiles(t.Context(), c.a, at, "/ro", engine.WriteOptions{}, tarOf(t, tar.Header{Name: "file"})); !errdefs.IsPermissionDenied(err) {
		t.Errorf("a read-only volume: %v", err)
	}
	at.ReadOnly = true
	if err := c.r.WriteFiles(t.Context(), c.a, at, "/etc", engine.WriteOptions{}, tarOf(t, tar.Header{Name: "file"})); !errdefs.IsPermissionDenied(err) {
		t.Errorf("a read-only root: %v", err)
	}
	if err := c.r.WriteFiles(t.Context(), c.a, at, "/data", engine.WriteOptions{}, tarOf(t, tar.Header{Name: "more"})); err != nil {
		t.Errorf("a volume in a read-only root: %v", err)
	}
	at.ReadOnly = false
	at.Mounts = append(at.Mounts, engine.Mount{Source: inner, Destination: "/evil", IDMap: true})
	_, err = c.r.StatFile(t.Context(), c.a, at, "/etc")
	if entries, _ := os.ReadDir(base); len(entries) != 2 {
		t.Errorf("%v: there is more outside now: %v", err, entries)
	}
	mounts, _ := os.ReadFile("/proc/self/mounts")
	if bytes.Contains(mounts, []byte(base)) {
		t.Errorf("something stayed mounted:\n%s", mounts)
	}
}

// A copy whose client has gone ends.
func TestFilesEndWithTheirClient(t *testing.T) {
	c := container(t, "sleep", "100")
	c.start()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	r, w := io.Pipe()
	defer w.Close()
	begin := time.Now()
	err := c.r.WriteFiles(ctx, c.a, c.site(true), "/", engine.WriteOptions{}, r)
	if err == nil || time.Since(begin) > 10*time.Second {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
}
