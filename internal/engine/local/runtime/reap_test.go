package runtime

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A root file system that was mounted with a volume inside, by a hyperd that died then, is let go of with the volume.
func TestStrayMountsAreRemovedWithWhatIsInside(t *testing.T) {
	r := New(Config{RunDir: t.TempDir()})
	root := filepath.Join(r.mountDir(), "rootfs-1")
	inner := filepath.Join(root, "data")
	for _, dir := range []string{root, inner} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
		if err := os.MkdirAll(inner, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.unmountStray(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(root); !os.IsNotExist(err) {
		t.Errorf("the directory is still there: %v", err)
	}
	if err := r.unmountStray(); err != nil {
		t.Errorf("with nothing to remove: %v", err)
	}
}
