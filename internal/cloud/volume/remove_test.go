package volume

import (
	"errors"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/store"
)

func TestRemove(t *testing.T) {
	b := newBench(t)
	v := b.create("pgdata", nil)
	used := b.create("used", nil)
	holder := b.attach(used)
	_, events, cancel := b.events.Subscribe(b.a, time.Time{})
	defer cancel()

	if err := b.volumes.Remove(t.Context(), b.b, "pgdata", false); !errdefs.IsNotFound(err) {
		t.Errorf("another account: %v", err)
	}
	if err := b.volumes.Remove(t.Context(), b.a, "none", false); !errdefs.IsNotFound(err) || err.Error() != "No such volume: none" {
		t.Errorf("an unknown one: %v", err)
	}
	if err := b.volumes.Remove(t.Context(), b.a, "none", true); err != nil {
		t.Errorf("an unknown one by force: %v", err)
	}
	for _, force := range []bool{false, true} {
		err := b.volumes.Remove(t.Context(), b.a, "used", force)
		if !errdefs.IsConflict(err) || err.Error() != "volume is in use - ["+holder+"]" {
			t.Errorf("one in use, force %v: %v", force, err)
		}
	}
	broken := errors.New("device busy")
	b.engine.FailOnce("RemoveVolume", broken)
	if err := b.volumes.Remove(t.Context(), b.a, "pgdata", false); !errors.Is(err, broken) {
		t.Errorf("a busy disk: %v", err)
	}
	if _, err := b.volumes.Find(b.a, "pgdata"); !errdefs.IsNotFound(err) {
		t.Errorf("a volume that is being removed is found: %v", err)
	}
	if _, err := b.volumes.Create(t.Context(), b.a, CreateRequest{Name: "pgdata"}); !errdefs.IsConflict(err) {
		t.Errorf("the name of a volume that is being removed is free: %v", err)
	}
	if err := b.volumes.Remove(t.Context(), b.a, "pgdata", false); err != nil {
		t.Errorf("again: %v", err)
	}
	if e := <-events; e.Type != "volume" || e.Action != "destroy" || e.ID != "pgdata" {
		t.Errorf("event is %+v", e)
	}
	if again := b.create("pgdata", nil); again.ID == v.ID {
		t.Error("a new volume of the same name has the old one's disk")
	}
}

func TestPrune(t *testing.T) {
	b := newBench(t)
	b.create("named", nil)
	anonymous := b.create("", nil)
	used := b.create("", nil)
	b.attach(used)
	names, bytes, err := b.volumes.Prune(t.Context(), b.a, anyVolume, false)
	if err != nil || len(names) != 1 || names[0] != anonymous.Name || bytes != 1<<20 {
		t.Errorf("Prune = %v, %d, %v", names, bytes, err)
	}
	if names, _, err = b.volumes.Prune(t.Context(), b.a, anyVolume, true); err != nil || len(names) != 1 || names[0] != "named" {
		t.Errorf("Prune of all = %v, %v", names, err)
	}
	if left := b.store.View(b.a).Volumes(); len(left) != 1 || left[0].ID != used.ID {
		t.Errorf("left are %+v", left)
	}
}

func anyVolume(*store.Volume) bool { return true }
