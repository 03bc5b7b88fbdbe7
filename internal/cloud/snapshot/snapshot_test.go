package snapshot

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/store"
)

// bench is the rules of snapshots and volumes on an engine without a machine, with a volume "data" of 20 GB.
type bench struct {
	*testing.T
	store  *store.Store
	engine *fake.Engine
	events *event.Bus
	snaps  *Service
	vols   *volume.Service
	a      account.Ref
	data   *store.Volume
}

func newBench(t *testing.T) *bench {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "hyper.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	acc, err := st.CreateAccount(t.Context(), "mine")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, store: st, engine: fake.New(), events: event.NewBus(), a: acc.Ref}
	log := slog.New(slog.DiscardHandler)
	b.snaps = New(Config{Store: st, Engine: b.engine, Events: b.events, Log: log})
	b.vols = volume.New(volume.Config{Store: st, Engine: b.engine, Events: b.events, Log: log})
	if b.data, err = b.vols.Create(t.Context(), b.a, volume.CreateRequest{Name: "data", SizeGB: 20}); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) take(name string) *store.Snapshot {
	b.Helper()
	s, err := b.snaps.Create(b.Context(), b.a, CreateRequest{Volume: "data", Name: name, Force: true})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// use gives the volume to a container.
func (b *bench) use(status store.Status) *store.Container {
	b.Helper()
	c := store.Container{ID: strings.Repeat("c", 64), Name: "db", Phase: store.Ready, State: store.ContainerState{Status: status},
		Spec: store.ContainerSpec{Mounts: []store.Mount{{VolumeID: b.data.ID, Destination: "/data"}}}}
	img := fake.MakeImage("db", time.Unix(0, 0))
	c.ImageID = img.ID
	err := b.store.Update(b.Context(), b.a, func(tx *store.Tx) error {
		v, _ := tx.Volume(b.data.ID)
		row := *v
		row.Container, row.Written = c.ID, true
		return errors.Join(tx.PutImage(store.Image{Image: img}), tx.PutContainer(c), tx.PutVolume(row))
	})
	if err != nil {
		b.Fatal(err)
	}
	return &c
}

func (b *bench) names() string {
	b.Helper()
	rows, err := b.snaps.List(b.a, nil)
	if err != nil {
		b.Fatal(err)
	}
	var out []string
	for _, s := range rows {
		out = append(out, s.Name)
	}
	return strings.Join(out, " ")
}

func TestLife(t *testing.T) {
	b := newBench(t)
	_, events, cancel := b.events.Subscribe(b.a, time.Time{})
	defer cancel()
	first, second := b.take("first"), b.take("")
	if len(second.Name) != 63 || first.SizeGB != 20 || first.Phase != store.Ready || b.names() != second.Name+" first" {
		t.Errorf("%+v, %+v, in the list %s", first, second, b.names())
	}
	if e := <-events; e.Type != "snapshot" || e.Action != "create" || e.Attributes["volume"] != "data" {
		t.Errorf("event is %+v", e)
	}
	for _, ref := range []string{"first", first.ID, first.ID[:12]} {
		if s, err := b.snaps.Find(b.a, ref); err != nil || s.ID != first.ID {
			t.Errorf("%s finds %v, %v", ref, s, err)
		}
	}
	if err := b.vols.Remove(t.Context(), b.a, "data", false); !errdefs.IsConflict(err) || err.Error() != "Volume(data) has (2) snapshots" {
		t.Errorf("removing the volume: %v", err)
	}
	// A volume of it has its size, whatever is said, and does not keep it.
	v, err := b.vols.Create(t.Context(), b.a, volume.CreateRequest{Name: "copy", SizeGB: 30, Snapshot: "first"})
	if err != nil || v.SizeGB != 20 || v.Spec.Snapshot != "first" || b.engine.VolumeFrom(b.a, v.ID) != first.ID {
		t.Errorf("the copy is %+v of %s, %v", v, b.engine.VolumeFrom(b.a, v.ID), err)
	}
	for _, ref := range []string{first.ID[:12], second.Name} {
		if err := b.snaps.Remove(t.Context(), b.a, ref); err != nil {
			t.Error(err)
		}
	}
	if err := b.snaps.Remove(t.Context(), b.a, "first"); !errdefs.IsNotFound(err) || err.Error() != "No such snapshot: first" {
		t.Errorf("removing it again: %v", err)
	}
	for _, name := range []string{"data", "copy"} {
		if err := b.vols.Remove(t.Context(), b.a, name, false); err != nil {
			t.Error(err)
		}
	}
	if left := b.engine.Left(b.a); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
}

func TestCreateRefuses(t *testing.T) {
	b := newBench(t)
	b.take("taken")
	b.use(store.StatusRunning)
	for name, tc := range map[string]struct {
		req   CreateRequest
		class func(error) bool
		says  string
	}{
		"a name that is taken":      {CreateRequest{Volume: "data", Name: "taken", Force: true}, errdefs.IsConflict, "A snapshot named taken already exists. Choose a different snapshot name"},
		"an odd name":               {CreateRequest{Volume: "data", Name: "a b", Force: true}, errdefs.IsInvalidArgument, `"a b" is not a name for a snapshot`},
		"a name that leads away":    {CreateRequest{Volume: "data", Name: "../x", Force: true}, errdefs.IsInvalidArgument, "not a name"},
		"a volume that is not":      {CreateRequest{Volume: "nope"}, errdefs.IsNotFound, "No such volume: nope"},
		"no volume":                 {CreateRequest{}, errdefs.IsNotFound, "No such volume: "},
		"one in use, without force": {CreateRequest{Volume: "data"}, errdefs.IsConflict, "volume data is in use by container db"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := b.snaps.Create(t.Context(), b.a, tc.req); !tc.class(err) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error is %v", err)
			}
			if b.names() != "taken" {
				t.Errorf("there are %s", b.names())
			}
		})
	}
	if s := b.take("forced"); !s.Spec.Written {
		t.Error("the snapshot does not know that the volume has been written to")
	}
}

func TestCreateFailsWhole(t *testing.T) {
	b := newBench(t)
	b.engine.FailOnce("SnapshotVolume", errors.New("no more room"))
	if _, err := b.snaps.Create(t.Context(), b.a, CreateRequest{Volume: "data", Name: "first"}); err == nil || !strings.Contains(err.Error(), "no more room") {
		t.Fatal(err)
	}
	if n := len(b.store.View(b.a).Snapshots()); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	b.take("first")
}

func TestQuota(t *testing.T) {
	b := newBench(t)
	if err := b.store.Update(t.Context(), b.a, quota.Limits{quota.Snapshots: 5}.Put); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	errs := make([]error, 50)
	for n := range errs {
		wg.Go(func() {
			_, errs[n] = b.snaps.Create(context.Background(), b.a, CreateRequest{Volume: "data"})
		})
	}
	wg.Wait()
	refused := 0
	for _, err := range errs {
		if errdefs.IsResourceExhausted(err) && strings.Contains(err.Error(), "Exceeded quota, please either delete snapshots") {
			refused++
		}
	}
	if n := len(b.store.View(b.a).Snapshots()); n != 5 || refused != 45 {
		t.Errorf("%d were taken and %d refused", n, refused)
	}
}

func TestRestore(t *testing.T) {
	b := newBench(t)
	first := b.take("first")
	c := b.use(store.StatusRunning)
	if _, err := b.snaps.Restore(t.Context(), b.a, "first"); !errdefs.IsConflict(err) || !strings.Contains(err.Error(), "container db, which runs: stop it first") {
		t.Errorf("under a running container: %v", err)
	}
	if b.names() != "first" {
		t.Errorf("there are %s", b.names())
	}
	c.State.Status = store.StatusExited
	if err := b.store.Update(t.Context(), b.a, func(tx *store.Tx) error { return tx.PutContainer(*c) }); err != nil {
		t.Fatal(err)
	}
	safety, err := b.snaps.Restore(t.Context(), b.a, "first")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(safety.Name, "data-before-restore-2") || b.names() != safety.Name+" first" {
		t.Errorf("kept as %s among %s", safety.Name, b.names())
	}
	v, _ := b.store.View(b.a).Volume(b.data.ID)
	if b.engine.VolumeFrom(b.a, v.ID) != first.ID || v.Spec.Restoring != "" || v.Written {
		t.Errorf("the volume is %+v, of %s", v, b.engine.VolumeFrom(b.a, v.ID))
	}
	// What fails leaves the volume as it was.
	b.engine.FailOnce("RestoreVolume", errors.New("not today"))
	if _, err := b.snaps.Restore(t.Context(), b.a, safety.Name); err == nil {
		t.Fatal("it went well")
	}
	v, _ = b.store.View(b.a).Volume(b.data.ID)
	if b.engine.VolumeFrom(b.a, v.ID) != first.ID || v.Spec.Restoring != "" {
		t.Errorf("after a failure the volume is %+v, of %s", v, b.engine.VolumeFrom(b.a, v.ID))
	}
	if err := b.snaps.Remove(t.Context(), b.a, safety.Name); err != nil {
		t.Error(err)
	}
}

// No snapshot is taken of a volume that something changes, nor is it made to hold another one meanwhile.
func TestVolumeThatChanges(t *testing.T) {
	b := newBench(t)
	first := b.take("first")
	for says, spec := range map[string]store.VolumeSpec{
		"is being filled": {Filling: &store.Filling{Source: "/src"}}, "is being restored": {Restoring: first.ID}, "is being resized": {Resizing: 50},
	} {
		err := b.store.Update(t.Context(), b.a, func(tx *store.Tx) error {
			v, _ := tx.Volume(b.data.ID)
			row := *v
			row.Spec = spec
			return tx.PutVolume(row)
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.snaps.Create(t.Context(), b.a, CreateRequest{Volume: b.data.Name, Force: true}); !errdefs.IsConflict(err) || !strings.Contains(err.Error(), says) {
			t.Errorf("taking one: %v, want %q", err, says)
		}
		if _, err := b.snaps.Restore(t.Context(), b.a, "first"); !errdefs.IsConflict(err) || !strings.Contains(err.Error(), says) {
			t.Errorf("restoring it: %v, want %q", err, says)
		}
	}
	if b.names() != "first" {
		t.Errorf("there are %s", b.names())
	}
}

// What an earlier hyperd did not come to do is done at start.
func TestRecover(t *testing.T) {
	b := newBench(t)
	first := b.take("first")
	half := store.Snapshot{ID: strings.Repeat("1", 64), Name: "half", Volume: b.data.ID, SizeGB: 20, Phase: store.Creating}
	doomed := *b.take("doomed")
	doomed.Phase = store.Removing
	if err := b.engine.SnapshotVolume(t.Context(), b.a, b.data.ID, half.ID); err != nil {
		t.Fatal(err)
	}
	err := b.store.Update(t.Context(), b.a, func(tx *store.Tx) error {
		v, _ := tx.Volume(b.data.ID)
		row := *v
		row.Spec.Restoring = first.ID
		return errors.Join(tx.PutSnapshot(half), tx.PutSnapshot(doomed), tx.PutVolume(row))
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"first", "half"} {
		if err := b.snaps.Remove(t.Context(), b.a, name); !errdefs.IsConflict(err) && !errdefs.IsNotFound(err) {
			t.Errorf("removing %s meanwhile: %v", name, err)
		}
	}
	keep := engine.Keep{Account: b.a, Volumes: []string{b.data.ID}, Snapshots: []string{first.ID, half.ID, doomed.ID}}
	if err := b.engine.Reap(t.Context(), []engine.Keep{keep}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.snaps.Recover(t.Context(), b.a); err != nil {
			t.Fatal(err)
		}
	}
	v, _ := b.store.View(b.a).Volume(b.data.ID)
	if b.names() != "first" || v.Spec.Restoring != "" || b.engine.VolumeFrom(b.a, v.ID) != first.ID {
		t.Errorf("there are %s, and the volume is %+v", b.names(), v)
	}
	if left := b.engine.Left(b.a); !slices.Equal(left, []string{"snapshot " + first.ID, "volume " + b.data.ID}) {
		t.Errorf("on the machine are %v", left)
	}
}

func TestList(t *testing.T) {
	b := newBench(t)
	b.take("one")
	b.take("two")
	if _, err := b.vols.Create(t.Context(), b.a, volume.CreateRequest{Name: "other"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.snaps.Create(t.Context(), b.a, CreateRequest{Volume: "other", Name: "three"}); err != nil {
		t.Fatal(err)
	}
	for filter, want := range map[string]int{"": 3, "volume=data": 2, "volume=dat": 0, "name=t": 2, "dangling=true": 0, "dangling=false": 3} {
		filters := map[string][]string{}
		if k, v, ok := strings.Cut(filter, "="); ok {
			filters[k] = []string{v}
		}
		if rows, err := b.snaps.List(b.a, filters); err != nil || len(rows) != want {
			t.Errorf("%s: %d, %v; want %d", filter, len(rows), err, want)
		}
	}
	if _, err := b.snaps.List(b.a, map[string][]string{"dangling": {"maybe"}}); !errdefs.IsInvalidArgument(err) {
		t.Errorf("an odd filter: %v", err)
	}
}
