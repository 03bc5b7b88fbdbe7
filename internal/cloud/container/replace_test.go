package container

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/store"
)

// owners tells for each volume which container has it, by name.
func (w *world) owners() map[string]string {
	out := map[string]string{}
	view := w.store.View(w.a)
	for _, v := range view.Volumes() {
		name := v.Name
		if v.Auto {
			name = "auto"
		}
		if c, ok := view.Container(v.Container); ok {
			out[name] = c.Name
		} else {
			out[name] = ""
		}
	}
	return out
}

func TestReplace(t *testing.T) {
	w := newWorld(t)
	old := w.create(t, CreateRequest{Name: "old", Image: "db", Binds: []string{"kept:/kept", "left:/left"}})
	if err := w.Start(t.Context(), w.a, old.ID); err != nil {
		t.Fatal(err)
	}
	req := CreateRequest{Name: "new", Image: "db", Binds: []string{"kept:/kept"}, Replaces: old.ID}
	if _, err := w.Create(t.Context(), w.a, req); !errdefs.IsConflict(err) {
		t.Errorf("a running one is replaced: %v", err)
	}
	if err := w.Stop(t.Context(), w.a, old.ID, StopOptions{}); err != nil {
		t.Fatal(err)
	}
	before := w.owners()

	w.engine.FailOnce("CreateContainer", errors.New("no disk"))
	if _, err := w.Create(t.Context(), w.a, req); err == nil {
		t.Fatal("it was made")
	}
	if got := w.owners(); len(got) != 3 || got["auto"] != "old" || got["kept"] != "old" || got["left"] != "old" {
		t.Errorf("after a failure volumes are %v, were %v", got, before)
	}

	w.create(t, req)
	if got := w.owners(); got["auto"] != "new" || got["kept"] != "new" || got["left"] != "old" {
		t.Errorf("volumes are %v", got)
	}
	if err := w.Start(t.Context(), w.a, old.ID); !errdefs.IsConflict(err) {
		t.Errorf("the old one is started: %v", err)
	}
	if _, err := w.Remove(t.Context(), w.a, old.ID, RemoveOptions{Volumes: true}); err != nil {
		t.Fatal(err)
	}
	if got := w.owners(); got["auto"] != "new" || got["kept"] != "new" || got["left"] != "" {
		t.Errorf("after the removal volumes are %v", got)
	}
	if err := w.Start(t.Context(), w.a, "new"); err != nil {
		t.Error(err)
	}
	if _, err := w.Create(t.Context(), w.a, CreateRequest{Image: "db", Replaces: old.ID}); !errdefs.IsNotFound(err) {
		t.Errorf("what is gone is replaced: %v", err)
	}
}

// Docker's own compose makes the new one while the old one runs, ends and removes that, and starts the new one. A volume goes where the place
// goes, and to nobody else.
func TestComposeReplaces(t *testing.T) {
	w := newWorld(t)
	labels := func(number string, more ...string) map[string]string {
		out := map[string]string{composeProject: "shop", composeService: "db", composeNumber: number}
		for _, l := range more {
			out[l] = "db-" + number
		}
		return out
	}
	old := w.started(t, CreateRequest{Name: "shop-db-1", Image: "db", Binds: []string{"kept:/kept"}, Labels: labels("1")})
	for name, l := range map[string]map[string]string{"nobody's": nil, "no successor": labels("1"), "another's successor": labels("2", composeReplaces)} {
		if _, err := w.Create(t.Context(), w.a, CreateRequest{Image: "db", Binds: []string{"kept:/kept"}, Labels: l}); !errdefs.IsConflict(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	req := CreateRequest{Name: "x_shop-db-1", Image: "db", Binds: []string{"kept:/kept"}, Labels: labels("1", composeReplaces)}
	failed := w.create(t, req)
	if _, err := w.Remove(t.Context(), w.a, failed.ID, RemoveOptions{Force: true, Volumes: true}); err != nil {
		t.Fatal(err)
	}
	if got := w.owners(); got["kept"] != "shop-db-1" {
		t.Errorf("after a successor that never came volumes are %v", got)
	}
	next := w.create(t, req)
	if err := w.Start(t.Context(), w.a, next.ID); !errdefs.IsConflict(err) {
		t.Errorf("both have the volume: %v", err)
	}
	w.status(t, old.ID, store.StatusRunning)
	if _, err := w.Remove(t.Context(), w.a, old.ID, RemoveOptions{Force: true, Volumes: true}); err != nil {
		t.Fatal(err)
	}
	if got := w.owners(); got["kept"] != "x_shop-db-1" {
		t.Errorf("volumes are %v", got)
	}
	renewed := w.create(t, CreateRequest{Name: shortID(next.ID) + "_x_shop-db-1", Image: "db", Binds: []string{"kept:/kept"}, Labels: labels("1")})
	if _, err := w.Remove(t.Context(), w.a, renewed.ID, RemoveOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := w.Start(t.Context(), w.a, next.ID); err != nil {
		t.Error(err)
	}
}

// A hyperd that dies while it makes the new one gives the volumes back, and leaves none that nobody asked for.
func TestRecoverGivesVolumesBack(t *testing.T) {
	w := newWorld(t)
	old := w.create(t, CreateRequest{Name: "old", Image: "db"})
	err := w.store.Update(t.Context(), w.a, func(tx *store.Tx) error {
		c := Container{ID: newID(), Name: "new", ImageID: old.ImageID, Phase: store.Creating, State: State{Status: store.StatusCreated}}
		if err := tx.PutContainer(c); err != nil {
			return err
		}
		mounts, _, err := takeVolumes(tx, c.ID, []mountPlan{{path: "/var/lib/db"}, {path: "/more"}}, old)
		if err != nil {
			return err
		}
		for _, m := range mounts { // as it is when the disks are made
			v, _ := tx.Volume(m.VolumeID)
			row := *v
			row.Phase = store.Ready
			if err := tx.PutVolume(row); err != nil {
				return err
			}
		}
		c.Spec.Mounts = mounts
		return tx.PutContainer(c)
	})
	if err != nil {
		t.Fatal(err)
	}
	w.boot(t)
	view := w.store.View(w.a)
	if vols := view.Volumes(); len(view.Containers()) != 1 || len(vols) != 1 || vols[0].Container != old.ID {
		t.Errorf("left: %d containers, volumes %+v", len(view.Containers()), vols)
	}
}

// docker compose makes the new container while the old one runs, and removes that one before it starts the new one.
func TestComposeReplacesWhatIsLinked(t *testing.T) {
	w := newWorld(t)
	labels := map[string]string{composeProject: "p", composeService: "db", composeNumber: "1"}
	old := w.started(t, CreateRequest{Name: "p-db-1", Image: "db", Binds: []string{"kept:/kept"}, Labels: labels})
	web := w.started(t, CreateRequest{Name: "p-web-1", Image: "app", Links: []string{"p-db-1:mysql"}})
	auto := ""
	for _, v := range w.store.View(w.a).Volumes() {
		if v.Auto {
			auto = v.Name
		}
	}
	req := CreateRequest{Name: "tmp", Image: "db", Binds: []string{"kept:/kept", auto + ":/var/lib/db"}, Labels: labels}
	if _, err := w.Create(t.Context(), w.a, req); !errdefs.IsConflict(err) {
		t.Errorf("another container has the volumes: %v", err)
	}
	labels[composeReplaces] = "db-1"

	// One that is given up leaves everything as it was.
	w.create(t, req)
	if err := w.Start(t.Context(), w.a, "tmp"); !errdefs.IsConflict(err) {
		t.Errorf("both run with one volume: %v", err)
	}
	if _, err := w.Remove(t.Context(), w.a, "tmp", RemoveOptions{Volumes: true}); err != nil {
		t.Fatal(err)
	}
	if got := w.owners(); got["auto"] != "p-db-1" || got["kept"] != "p-db-1" || len(got) != 2 {
		t.Errorf("volumes are %v", got)
	}

	next := w.create(t, req)
	if got := w.owners(); got["auto"] != "p-db-1" || got["kept"] != "p-db-1" || len(got) != 2 {
		t.Errorf("while the old one runs volumes are %v", got)
	}
	if _, err := w.Remove(t.Context(), w.a, old.ID, RemoveOptions{Force: true, Volumes: true}); err != nil {
		t.Fatal(err)
	}
	if got := w.owners(); got["auto"] != "tmp" || got["kept"] != "tmp" || len(got) != 2 {
		t.Errorf("after its removal volumes are %v", got)
	}
	if err := w.Rename(t.Context(), w.a, next.ID, "p-db-1"); err != nil {
		t.Fatal(err)
	}
	if err := w.Start(t.Context(), w.a, next.ID); err != nil {
		t.Error(err)
	}
	if c, _ := w.store.View(w.a).Container(web.ID); len(c.Spec.Links) != 1 || c.Spec.Links[0].Target != next.ID || c.Spec.Links[0].Alias != "mysql" {
		t.Errorf("what was linked to the old one is linked to %+v", c.Spec.Links)
	}
	hosts, err := os.ReadFile(filepath.Join(w.Service.dir(w.a, web.ID), "hosts"))
	if want := next.Endpoints[0].Address.String() + "\tmysql\n"; err != nil || !strings.Contains(string(hosts), want) {
		t.Errorf("its hosts are %q, %v; they should have %q", hosts, err, want)
	}
}
