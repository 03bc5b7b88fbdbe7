package runtime

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// hostile is a root file system that is made to lead outside.
func hostile(t *testing.T) (root, outside string) {
	t.Helper()
	dir := t.TempDir()
	root, outside = filepath.Join(dir, "root"), filepath.Join(dir, "outside")
	for _, d := range []string{root + "/etc", outside} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(outside+"/passwd", []byte("web:x:0:0::/:/bin/sh\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return root, outside
}

func TestLookupStaysInside(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(root, outside string) error
	}{
		{"absolute link", func(root, outside string) error { return os.Symlink(outside+"/passwd", root+"/etc/passwd") }},
		{"relative link", func(root, _ string) error { return os.Symlink("../../outside/passwd", root+"/etc/passwd") }},
		{"linked directory", func(root, outside string) error {
			if err := os.Remove(root + "/etc"); err != nil {
				return err
			}
			return os.Symlink(outside, root+"/etc")
		}},
		{"a link to itself", func(root, _ string) error { return os.Symlink("passwd", root+"/etc/passwd") }},
		{"a pipe that nobody writes", func(root, _ string) error { return unix.Mkfifo(root+"/etc/passwd", 0o644) }},
		{"a directory", func(root, _ string) error { return os.Mkdir(root+"/etc/passwd", 0o755) }},
		{"a device", func(root, _ string) error {
			return unix.Mknod(root+"/etc/passwd", unix.S_IFCHR|0o644, int(unix.Mkdev(1, 5)))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			root, outside := hostile(t)
			if err := c.make(root, outside); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { _, err := lookup(root, "web", nil); done <- err }()
			select {
			case err := <-done:
				if err == nil {
					t.Error("a user of outside was found")
				}
			case <-time.After(5 * time.Second):
				t.Error("it waits")
			}
		})
	}
}

func TestLookupFollowsLinksInside(t *testing.T) {
	root, _ := hostile(t)
	if err := os.MkdirAll(root+"/usr/etc", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root+"/usr/etc/passwd", []byte("web:x:5:6::/:/bin/sh\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/usr/etc/passwd", root+"/etc/passwd"); err != nil {
		t.Fatal(err)
	}
	if u, err := lookup(root, "web", nil); err != nil || u.UID != 5 || u.GID != 6 {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestDirectoriesAreMadeInside(t *testing.T) {
	root, outside := hostile(t)
	if err := os.Symlink(outside, root+"/out"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc", root+"/in"); err != nil {
		t.Fatal(err)
	}
	_ = makeDirIn(root, "/out/made", 7, 8)
	if entries, _ := os.ReadDir(outside); len(entries) != 1 {
		t.Errorf("outside there is now %v", entries)
	}
	if err := makeDirIn(root, "/in/../in/a/b", 7, 8); err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Stat(root+"/etc/a/b", &st); err != nil || st.Uid != 7 || st.Gid != 8 {
		t.Errorf("%d:%d, %v", st.Uid, st.Gid, err)
	}
	if err := makeDirIn(root, "/", 7, 8); err != nil {
		t.Error(err)
	}
}
