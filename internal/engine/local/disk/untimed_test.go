package disk

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestWritesLeaveTheImagesTimes writes to an attached volume. A change of the image's time would be a transaction of the pool's
// file system for each flush.
func TestWritesLeaveTheImagesTimes(t *testing.T) {
	d := newDisks(t, place(t))
	create(t, d, ann, one, small)
	image := filepath.Join(d.pool, ann.ID(), one+imageSuffix)
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(image, old, old); err != nil {
		t.Fatal(err)
	}
	dir := attach(t, d, ann, one)
	write(t, filepath.Join(dir, "f"), "x")
	if err := syncFS(dir); err != nil {
		t.Fatal(err)
	}
	detach(t, d, ann, one)
	fi, err := os.Stat(image)
	if err != nil {
		t.Fatal(err)
	}
	if !fi.ModTime().Equal(old) {
		t.Errorf("the image was changed at %s, and before that at %s", fi.ModTime(), old)
	}
	if read(t, filepath.Join(attach(t, d, ann, one), "f")) != "x" {
		t.Error("what was written is lost")
	}
}
