package runtime

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine"
)

// listing tells names, kinds, modes, owners, times and contents of what is below dir, and of dir itself.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		name, _ := filepath.Rel(dir, p)
		line := fmt.Sprintf("%s %v %d:%d", name, info.Mode(), st.Uid, st.Gid)
		if info.Mode()&fs.ModeSymlink != 0 {
			to, _ := os.Readlink(p)
			line += " -> " + to
		} else if st.Mtim.Sec != 1580702706 {
			line += " at another time"
		}
		if info.Mode().IsRegular() {
			raw, _ := os.ReadFile(p)
			line += fmt.Sprintf(" %q", raw)
		}
		out = append(out, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}

const populated = `. drwxr-x--- 1000:1001
capable -rwxr-xr-x 0:0 "x"
file -rw-r----- 1000:1001 "content\n"
hard -rw-r----- 1000:1001 "content\n"
link Lrwxrwxrwx 0:0 -> /etc/passwd
pipe prw--w--w- 0:0
setuid urwxr-xr-x 0:0 "x"
sub dgrwxrwxr-x 0:44
sub/deep -rw------- 7:8 "deep\n"`

func TestPopulate(t *testing.T) {
	c := container(t, "true")
	for _, x := range []struct{ name, path, want string }{
		{"a directory", "/data", populated},
		{"an unclean path", "/../empty/.././data/", populated},
		{"an empty directory", "/empty", ". drwx--x--x 5:6"},
		{"through a link out of the root", "/away/../data", populated},
		{"no such directory", "/nothing/here", ". drwxr-xr-x 0:0 at another time"},
		{"a file", "/etc/passwd", ". drwxr-xr-x 0:0 at another time"},
		{"below a file", "/etc/passwd/x", ". drwxr-xr-x 0:0 at another time"},
	} {
		t.Run(x.name, func(t *testing.T) {
			dir := t.TempDir()
			for range 2 { // the second time changes nothing
				if err := c.r.Populate(t.Context(), c.a, c.id, x.path, dir); err != nil {
					t.Fatal(err)
				}
				if got := listing(t, dir); got != x.want {
					t.Errorf("got\n%s\nwant\n%s", got, x.want)
				}
			}
		})
	}
}

func TestPopulateKeepsLinksAndAttributes(t *testing.T) {
	c := container(t, "true")
	dir := t.TempDir()
	if err := c.r.Populate(t.Context(), c.a, c.id, "/data", dir); err != nil {
		t.Fatal(err)
	}
	var one, two unix.Stat_t
	if unix.Stat(dir+"/file", &one) != nil || unix.Stat(dir+"/hard", &two) != nil || one.Ino != two.Ino {
		t.Error("two names of a file have become two files")
	}
	buf := make([]byte, 100)
	if n, err := unix.Getxattr(dir+"/file", "user.note", buf); err != nil || string(buf[:n]) != "kept" {
		t.Errorf("attribute %q, %v", buf[:max(n, 0)], err)
	}
	n, err := unix.Getxattr(dir+"/capable", "security.capability", buf)
	if err != nil || n != capSize2 {
		t.Errorf("capabilities are told in %d bytes, %v", n, err)
	}
}

func TestPopulateLeavesWhatIsThere(t *testing.T) {
	c := container(t, "true")
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/mine", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := listing(t, dir)
	if err := c.r.Populate(t.Context(), c.a, c.id, "/data", dir); err != nil {
		t.Fatal(err)
	}
	if after := listing(t, dir); after != before {
		t.Errorf("got\n%s", after)
	}
}

func TestPopulateAfterACrash(t *testing.T) {
	c := container(t, "true")
	t.Run("while it was copying", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, gatheringName, "half"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := c.r.Populate(t.Context(), c.a, c.id, "/data", dir); err != nil {
			t.Fatal(err)
		}
		if got := listing(t, dir); got != populated {
			t.Errorf("got\n%s", got)
		}
	})
	t.Run("while it was moving", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, gatheredName, "rest"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "moved"), []byte("m"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := c.r.Populate(t.Context(), c.a, c.id, "/data", dir); err != nil {
			t.Fatal(err)
		}
		got := listing(t, dir)
		if !strings.Contains(got, "rest d") || !strings.Contains(got, "moved -") || strings.Contains(got, gatheredName) {
			t.Errorf("got\n%s", got)
		}
	})
}

func TestAPopulatedVolumeIsTheContainersOwn(t *testing.T) {
	c := container(t, "sh", "-c", "stat -c '%u:%g %a' /v /v/sub/deep && cat /v/file && echo new > /v/new && stat -c %u /v/new")
	dir := t.TempDir()
	if err := c.r.Populate(t.Context(), c.a, c.id, "/data", dir); err != nil {
		t.Fatal(err)
	}
	c.spec.Mounts = []engine.Mount{{Source: dir, Destination: "/v", IDMap: true}}
	code, out, errs := c.run()
	if code != 0 || out != "1000:1001 750\n7:8 600\ncontent\n0\n" {
		t.Errorf("%d %q %q", code, out, errs)
	}
	var st unix.Stat_t
	if err := unix.Stat(dir+"/new", &st); err != nil || st.Uid != 0 {
		t.Errorf("on the volume it is %d's, %v", st.Uid, err)
	}
}

func TestAReadOnlyVolume(t *testing.T) {
	c := container(t, "sh", "-c", "touch /v/x")
	c.spec.Mounts = []engine.Mount{{Source: t.TempDir(), Destination: "/v", IDMap: true, ReadOnly: true}}
	if code, _, errs := c.run(); code != 1 || !strings.Contains(errs, "Read-only file system") {
		t.Errorf("%d %q", code, errs)
	}
}
