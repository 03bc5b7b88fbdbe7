package container

import (
	"context"
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/store"
)

const (
	repo  = "https://h.example/x.git:dev"
	other = "git://h.example/y"
)

func TestVolumesOfSources(t *testing.T) {
	w := newWorld(t)
	c := w.create(t, CreateRequest{Name: "one", Image: "db", Binds: []string{repo + ":/var/lib/db", other + ":/y/"}})
	if len(c.Spec.Mounts) != 2 || c.Spec.Mounts[0].Destination != "/y" || c.Spec.Mounts[1].Destination != "/var/lib/db" {
		t.Fatalf("mounts are %+v", c.Spec.Mounts)
	}
	for _, m := range c.Spec.Mounts {
		v, ok := w.store.View(w.a).Volume(m.VolumeID)
		if !ok || !v.Auto || v.Labels["autoremove"] != "true" || !v.Written || v.Spec.Source == "" || v.Spec.Filling != nil || w.engine.VolumeContent(w.a, v.ID) == "" {
			t.Errorf("volume %+v holds %q", v, w.engine.VolumeContent(w.a, m.VolumeID))
		}
	}
	if calls := w.engine.Calls("Populate"); len(calls) != 0 {
		t.Errorf("the image's files are put over what was asked for: %v", calls)
	}
	if _, err := w.Remove(t.Context(), w.a, "one", RemoveOptions{Volumes: true}); err != nil {
		t.Fatal(err)
	}
	if left := w.store.View(w.a).Volumes(); len(left) != 0 {
		t.Errorf("volumes are left: %+v", left)
	}
}

func TestSourcesThatCannotBe(t *testing.T) {
	w := newWorld(t)
	for bind, says := range map[string]string{
		"https://h.example/x.git": "after an address comes a path",
		"https:///x:/y":           "is not an address",
		"git://h/x:-b:/y":         "not a name for a branch",
		repo + ":y":               "not absolute",
		repo + ":/proc":           "cannot be mounted at",
	} {
		if _, err := w.Create(t.Context(), w.a, CreateRequest{Image: "app", Binds: []string{bind}}); !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", bind, err)
		}
	}
	w.engine.On("PrepareFill", func(_ context.Context, c fake.Call) error {
		if src, ok := c.Arg.(engine.FillSource); ok && src.Git.URL == other {
			return errdefs.ErrInvalidArgument
		}
		return nil
	})
	if _, err := w.Create(t.Context(), w.a, CreateRequest{Image: "app", Binds: []string{repo + ":/x", other + ":/y"}}); !errdefs.IsInvalidArgument(err) {
		t.Errorf("error is %v", err)
	}
	// Who waits for a source and goes ends the creation.
	ctx, cancel := context.WithCancel(t.Context())
	w.engine.On("PrepareFill", func(ctx context.Context, _ fake.Call) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	})
	if _, err := w.Create(ctx, w.a, CreateRequest{Image: "app", Binds: []string{repo + ":/x"}}); err == nil {
		t.Error("a creation without its source goes well")
	}
	if v := w.store.View(w.a); len(v.Containers()) != 0 || len(v.Volumes()) != 0 || w.engine.Fills(w.a) != 0 {
		t.Errorf("left: %v %v", v.Containers(), v.Volumes())
	}
}

// No container gets a volume that is being filled.
func TestVolumeThatIsFilled(t *testing.T) {
	w := newWorld(t)
	w.create(t, CreateRequest{Name: "holder", Image: "app", Binds: []string{"data:/d"}})
	if _, err := w.Remove(t.Context(), w.a, "holder", RemoveOptions{}); err != nil {
		t.Fatal(err)
	}
	err := w.store.Update(t.Context(), w.a, func(tx *store.Tx) error {
		v, _ := tx.VolumeByName("data")
		row := *v
		row.Spec.Filling = &store.Filling{Source: "/home/me"}
		return tx.PutVolume(row)
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Create(t.Context(), w.a, CreateRequest{Image: "app", Binds: []string{"data:/d"}}); !errdefs.IsConflict(err) || !strings.Contains(err.Error(), "is being filled") {
		t.Errorf("error is %v", err)
	}
}

// A hyperd that dies when a source is there and its container is not undoes both.
func TestSourcesOfAContainerThatDidNotComeToBe(t *testing.T) {
	w := newWorld(t)
	c := w.create(t, CreateRequest{Name: "one", Image: "app", Binds: []string{repo + ":/x"}})
	err := w.store.Update(t.Context(), w.a, func(tx *store.Tx) error {
		row, _ := tx.Container(c.ID)
		half := *row
		half.Phase = store.Creating
		v, _ := tx.Volume(c.Spec.Mounts[0].VolumeID)
		fresh := *v
		fresh.Written = false // as it is until the container is there
		if err := tx.PutVolume(fresh); err != nil {
			return err
		}
		return tx.PutContainer(half)
	})
	if err != nil {
		t.Fatal(err)
	}
	w.boot(t)
	if v := w.store.View(w.a); len(v.Containers()) != 0 || len(v.Volumes()) != 0 {
		t.Errorf("left: %v %v", v.Containers(), v.Volumes())
	}
}

// What takes a container's place has its volumes, if it asks for the same sources.
func TestSourcesPassOver(t *testing.T) {
	w := newWorld(t)
	old := w.create(t, CreateRequest{Name: "old", Image: "app", Binds: []string{repo + ":/x", other + ":/y"}})
	c := w.create(t, CreateRequest{Name: "new", Image: "app", Binds: []string{repo + ":/x", repo + ":/y"}, Replaces: old.ID})
	if c.Spec.Mounts[0].VolumeID != old.Spec.Mounts[0].VolumeID {
		t.Error("the same source is loaded again")
	}
	if c.Spec.Mounts[1].VolumeID == old.Spec.Mounts[1].VolumeID {
		t.Error("another source is not loaded")
	}
}
