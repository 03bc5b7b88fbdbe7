package container

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/store"
)

// has tells what a container mounts: destination=volume, borrowed ones in brackets.
func (w *world) has(c *Container) string {
	now, _ := w.store.View(w.a).Container(c.ID)
	var out []string
	for _, m := range now.Spec.Mounts {
		v, _ := w.store.View(w.a).Volume(m.VolumeID)
		text := m.Destination + "=" + v.Name
		if m.ReadOnly {
			text += ":ro"
		}
		if m.Borrowed {
			text = "(" + text + ")"
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func TestVolumesFrom(t *testing.T) {
	w := newWorld(t)
	src := w.started(t, CreateRequest{Name: "src", Image: "app", Binds: []string{"data:/data", "more:/data/more"}})
	b := w.started(t, CreateRequest{Name: "b", Image: "app", Binds: []string{"own:/data/more"}, VolumesFrom: []string{"src:ro"}})
	if got := w.has(b); got != "(/data=data:ro) /data/more=own" {
		t.Errorf("b mounts %s", got)
	}
	c := w.started(t, CreateRequest{Name: "c", Image: "app", VolumesFrom: []string{src.ID[:12]}})
	if got := w.has(c); got != "(/data=data) (/data/more=more)" {
		t.Errorf("c mounts %s", got)
	}
	data, _ := w.store.View(w.a).VolumeByName("data")
	attached := func() bool { return w.engine.VolumeAttached(w.a, data.ID) }
	// It is let go of when the last one ends, whoever that is.
	for _, name := range []string{"src", "c"} {
		if err := w.Stop(t.Context(), w.a, name, StopOptions{}); err != nil {
			t.Fatal(err)
		}
		if !attached() {
			t.Fatalf("after the end of %s the volume is gone for b", name)
		}
	}
	if err := w.Stop(t.Context(), w.a, "b", StopOptions{}); err != nil {
		t.Fatal(err)
	}
	if attached() {
		t.Error("the volume is attached for nobody")
	}
	// A borrower starts without the owner, and has the volume when that is removed.
	if err := w.Start(t.Context(), w.a, "b"); err != nil {
		t.Fatal(err)
	}
	notices, err := w.Remove(t.Context(), w.a, "src", RemoveOptions{Force: true, Volumes: true})
	if err != nil || !slices.Contains(notices, "attached volume(data) is not deleted") {
		t.Errorf("%q, %v", notices, err)
	}
	now, _ := w.store.View(w.a).VolumeByName("data")
	if !attached() || now.Container != b.ID && now.Container != c.ID {
		t.Errorf("after the removal of the owner the volume is %+v, attached: %v", now, attached())
	}
	if err := w.Volumes.Remove(t.Context(), w.a, "data", false); !errdefs.IsConflict(err) {
		t.Errorf("removing what borrowers use: %v", err)
	}
	for _, name := range []string{"b", "c"} {
		if _, err := w.Remove(t.Context(), w.a, name, RemoveOptions{Force: true}); err != nil {
			t.Fatal(err)
		}
	}
	now, _ = w.store.View(w.a).VolumeByName("data")
	if now.Container != "" || attached() {
		t.Errorf("in the end the volume is %+v, attached: %v", now, attached())
	}
}

func TestVolumesFromRefuses(t *testing.T) {
	w := newWorld(t)
	w.create(t, CreateRequest{Name: "src", Image: "db"})
	w.create(t, CreateRequest{Name: "second", Image: "app", VolumesFrom: []string{"src"}})
	w.create(t, CreateRequest{Name: "bare", Image: "app"})
	for source, want := range map[string]string{
		"second": "Cannot recursively import volumes from second.", "nobody": "No such container: nobody", "src:maybe": "invalid mode for volumes-from: maybe",
	} {
		if _, err := w.Create(t.Context(), w.a, CreateRequest{Name: "third", Image: "app", VolumesFrom: []string{source}}); err == nil || err.Error() != want {
			t.Errorf("%s: %v", source, err)
		}
		if _, ok := w.store.View(w.a).ContainerByName("third"); ok {
			t.Fatal("a container is left")
		}
	}
	if c := w.create(t, CreateRequest{Name: "third", Image: "app", VolumesFrom: []string{"bare"}}); len(c.Spec.Mounts) != 0 {
		t.Errorf("of a container without volumes it mounts %s", w.has(c))
	}
	// An automatic volume stays as long as somebody borrows it.
	if _, err := w.Remove(t.Context(), w.a, "src", RemoveOptions{Volumes: true}); err != nil {
		t.Fatal(err)
	}
	if n := len(w.store.View(w.a).Volumes()); n != 1 {
		t.Errorf("%d volumes are left", n)
	}
	if _, err := w.Remove(t.Context(), w.a, "second", RemoveOptions{Volumes: true}); err != nil {
		t.Fatal(err)
	}
	if n := len(w.store.View(w.a).Volumes()); n != 0 {
		t.Errorf("in the end %d volumes are left", n)
	}
}

// Whoever runs finds the volume attached, while others start and end.
func TestBorrowersComeAndGo(t *testing.T) {
	w := newWorld(t)
	w.create(t, CreateRequest{Name: "src", Image: "app", Binds: []string{"data:/data"}})
	data, _ := w.store.View(w.a).VolumeByName("data")
	var wg sync.WaitGroup
	for _, name := range []string{"b", "c", "d"} {
		w.create(t, CreateRequest{Name: name, Image: "app", VolumesFrom: []string{"src"}})
		wg.Go(func() {
			for range 30 {
				if err := w.Start(context.Background(), w.a, name); err != nil {
					t.Error(err)
					return
				}
				if c, _ := w.store.View(w.a).ContainerByName(name); c.State.Status == store.StatusRunning && !w.engine.VolumeAttached(w.a, data.ID) {
					t.Errorf("%s runs without the volume", name)
				}
				if err := w.Stop(context.Background(), w.a, name, StopOptions{}); err != nil && !errdefs.IsNotModified(err) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if w.engine.VolumeAttached(w.a, data.ID) {
		t.Error("the volume is attached for nobody")
	}
}
