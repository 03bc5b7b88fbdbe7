package disk

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestGuard lets the machine's disk seem full: what has its room is written, and what wants more is refused, on disks that were there and on
// those that come; a hyperd that starts anew and finds room lifts that.
func TestGuard(t *testing.T) {
	dir := place(t)
	d := newDisks(t, dir)
	create(t, d, ann, one, small)
	create(t, d, ann, two, small)
	data := attach(t, d, ann, one)
	block := make([]byte, 1<<20)
	put := func(path string) error {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		_, err = f.Write(block)
		return errors.Join(err, f.Sync(), f.Close())
	}
	full := func(d *Disks, want bool) {
		t.Helper()
		d.look()
		room, err := d.Room()
		if err != nil || room.Full != want || want != (RoomWarning(room) != "") {
			t.Errorf("the room is %+v, %v, with the warning %q", room, err, RoomWarning(room))
		}
	}
	must(t, put(filepath.Join(data, "there")))
	full(d, false)

	d.headroom = 1 << 60
	full(d, true)
	full(d, true)
	later := attach(t, d, ann, two)
	for _, data := range []string{data, later} {
		if err := put(filepath.Join(data, "new")); !errors.Is(err, unix.ENOSPC) {
			t.Errorf("new data in %s: %v", data, err)
		}
		var st unix.Statfs_t
		if err := unix.Statfs(data, &st); err != nil || st.Bavail > spare {
			t.Errorf("%s says that %d blocks are free, %v", data, st.Bavail, err)
		}
	}
	must(t, put(filepath.Join(data, "there")))
	for _, id := range []string{one, two} {
		if failed, err := d.VolumeFailed(t.Context(), ann, id); err != nil || failed {
			t.Errorf("volume %s has failed: %v, %v", short(id), failed, err)
		}
	}

	full(newDisks(t, dir), false)
	for _, data := range []string{data, later} {
		must(t, put(filepath.Join(data, "new")))
	}
}
