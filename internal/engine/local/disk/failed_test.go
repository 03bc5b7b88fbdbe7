package disk

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFailedVolume lets the file system of one volume meet an error: it can only be read, which can be asked, and others go on.
// Attached again it is repaired.
func TestFailedVolume(t *testing.T) {
	d := newDisks(t, place(t))
	create(t, d, ann, one, small)
	create(t, d, ann, two, small)
	bad, good := attach(t, d, ann, one), attach(t, d, ann, two)
	write(t, filepath.Join(bad, "f"), "before")
	if err := syncFS(bad); err != nil {
		t.Fatal(err)
	}
	failed := func(id string, want bool) {
		t.Helper()
		if got, err := d.VolumeFailed(context.Background(), ann, id); err != nil || got != want {
			t.Errorf("volume %s has failed: %v, %v; want %v", short(id), got, err, want)
		}
	}
	failed(one, false)
	name, _, err := mountedLoop(filepath.Dir(bad))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("/sys/fs/ext4", name, "trigger_fs_error"), []byte("a test"), 0); err != nil {
		t.Fatal(err)
	}
	failed(one, true)
	failed(two, false)
	if err := os.WriteFile(filepath.Join(bad, "f"), []byte("after"), 0o644); !errors.Is(err, unix.EROFS) {
		t.Errorf("writing to it: %v", err)
	}
	if read(t, filepath.Join(bad, "f")) != "before" {
		t.Error("it cannot be read")
	}
	write(t, filepath.Join(good, "f"), "x")

	_ = d.DetachVolume(context.Background(), ann, one) // says that it could not be written
	detach(t, d, ann, one)
	bad = attach(t, d, ann, one)
	failed(one, false)
	if read(t, filepath.Join(bad, "f")) != "before" {
		t.Error("what was written before is lost")
	}
	write(t, filepath.Join(bad, "f"), "after")
}
