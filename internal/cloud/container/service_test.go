package container

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/fip"
	"github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/store"
)

// world is a service on an engine without a machine. It has the images "app" and "db"; db has a VOLUME.
type world struct {
	*Service
	engine *fake.Engine
	store  *store.Store
	a      account.Ref
	dir    string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{engine: fake.New(), dir: t.TempDir()}
	st, err := store.Open(filepath.Join(w.dir, "hyper.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	w.store = st
	acc, err := st.CreateAccount(t.Context(), "default")
	if err != nil {
		t.Fatal(err)
	}
	w.a = acc.Ref
	w.boot(t)
	db := fake.MakeImage("db", time.Now(), "base", "db")
	db.Config.Config.Volumes = map[string]struct{}{"/var/lib/db": {}}
	db.Config.Config.ExposedPorts = map[string]struct{}{"3306/tcp": {}}
	w.engine.Serve("docker.io/library/db:latest", db)
	w.engine.Serve("docker.io/library/app:latest", fake.MakeImage("app", time.Now(), "base"))
	for _, ref := range []string{"db", "app"} {
		if err := w.Images.Pull(t.Context(), w.a, image.PullRequest{Ref: ref}, func(image.Message) {}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// boot makes the services anew, as a start of hyperd does.
func (w *world) boot(t *testing.T) {
	t.Helper()
	if w.Service != nil {
		w.Service.Close()
	}
	bus := event.NewBus()
	log := slog.New(slog.DiscardHandler)
	net := network.New(network.Config{Store: w.store, Engine: w.engine})
	w.Service = New(Config{
		Store: w.store, Engine: w.engine, Events: bus, Network: net, Log: log, DataRoot: w.dir, RestartAfter: time.Millisecond,
		FIPs:    fip.New(fip.Config{Store: w.store, Network: net, Events: bus, Log: log, Pool: fip.MustPool("198.18.0.0/29"), Wire: w.engine}),
		Images:  image.New(image.Config{Store: w.store, Engine: w.engine, Events: bus, Log: log}),
		Volumes: volume.New(volume.Config{Store: w.store, Engine: w.engine, Events: bus}),
	})
	t.Cleanup(w.Service.Close)
	if err := w.engine.Reap(t.Context(), []engine.Keep{Keep(w.store.View(w.a), w.a)}); err != nil {
		t.Fatal(err)
	}
	if err := w.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) create(t *testing.T, req CreateRequest) *Container {
	t.Helper()
	out, err := w.Create(t.Context(), w.a, req)
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.Get(w.a, out.ID)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) started(t *testing.T, req CreateRequest) *Container {
	t.Helper()
	c := w.create(t, req)
	if err := w.Start(t.Context(), w.a, c.ID); err != nil {
		t.Fatal(err)
	}
	return c
}

// status waits until a container has the status.
func (w *world) status(t *testing.T, id string, want store.Status) *Container {
	t.Helper()
	var c *Container
	for range 500 {
		c, _ = w.store.View(w.a).Container(id)
		if c != nil && c.State.Status == want {
			return c
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("container is %+v, want it %s", c, want)
	return nil
}

func TestCreateFailsWhole(t *testing.T) {
	for _, method := range []string{"CreateContainer", "CreateVolume", "AttachVolume", "Populate"} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t)
			before := w.engine.Left(w.a)
			w.engine.FailOnce(method, errors.New("no luck"))
			if _, err := w.Create(t.Context(), w.a, CreateRequest{Name: "x", Image: "db", Binds: []string{"named:/n"}}); err == nil || !strings.Contains(err.Error(), "no luck") {
				t.Fatalf("error %v", err)
			}
			if left := w.engine.Left(w.a); !slices.Equal(slices.DeleteFunc(left, func(s string) bool { return s == "network" }), before) {
				t.Errorf("left on the machine: %v", left)
			}
			if v := w.store.View(w.a); len(v.Containers()) != 0 || len(v.Volumes()) != 0 {
				t.Errorf("left in the store: %v %v", v.Containers(), v.Volumes())
			}
			w.create(t, CreateRequest{Name: "x", Image: "db"})
		})
	}
}

func TestLifecycle(t *testing.T) {
	w := newWorld(t)
	c := w.create(t, CreateRequest{Name: "one", Image: "db"})
	if c.State.Status != store.StatusCreated || len(c.Endpoints) != 1 || len(c.Spec.Mounts) != 1 {
		t.Fatalf("%+v", c)
	}
	ctx := t.Context()
	if err := w.Start(ctx, w.a, "one"); err != nil {
		t.Fatal(err)
	}
	w.status(t, c.ID, store.StatusRunning)
	if err := w.Start(ctx, w.a, "one"); !errdefs.IsNotModified(err) {
		t.Errorf("second start: %v", err)
	}
	if _, err := w.Remove(ctx, w.a, "one", RemoveOptions{}); !errdefs.IsConflict(err) || !strings.HasPrefix(err.Error(), "Conflict, You cannot remove a running container") {
		t.Errorf("rm of a running container: %v", err)
	}
	wait, err := w.Wait(ctx, w.a, "one", WaitNotRunning)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Stop(ctx, w.a, "one", StopOptions{}); err != nil {
		t.Fatal(err)
	}
	if r := <-wait; r.Err != nil || r.ExitCode == 0 {
		t.Errorf("wait says %+v", r)
	}
	if err := w.Stop(ctx, w.a, "one", StopOptions{}); !errdefs.IsNotModified(err) {
		t.Errorf("second stop: %v", err)
	}
	if err := w.Start(ctx, w.a, "one"); err != nil {
		t.Fatal(err)
	}
	now := w.status(t, c.ID, store.StatusRunning)
	if !reflect.DeepEqual(now.Endpoints, c.Endpoints) {
		t.Errorf("endpoints %v, were %v", now.Endpoints, c.Endpoints)
	}
	notices, err := w.Remove(ctx, w.a, "one", RemoveOptions{Force: true})
	if err != nil || len(notices) != 1 || !strings.HasPrefix(notices[0], "attached volume(") || !strings.HasSuffix(notices[0], ") is not deleted") {
		t.Fatalf("%q %v", notices, err)
	}
	if v := w.store.View(w.a); len(v.Containers()) != 0 || len(v.Volumes()) != 1 || v.Volumes()[0].Container != "" {
		t.Error("the volume is not there, or not free")
	}
}

func TestRemoveWithVolumes(t *testing.T) {
	w := newWorld(t)
	c := w.started(t, CreateRequest{Image: "db", Binds: []string{"named:/n"}})
	notices, err := w.Remove(t.Context(), w.a, c.ID, RemoveOptions{Force: true, Volumes: true})
	if err != nil || !slices.Equal(notices, []string{"attached volume(named) is not deleted"}) {
		t.Errorf("%q %v", notices, err)
	}
	if n := len(w.store.View(w.a).Volumes()); n != 1 {
		t.Errorf("%d volumes", n)
	}
}

func TestVolumeBelongsToOneContainer(t *testing.T) {
	w := newWorld(t)
	w.create(t, CreateRequest{Name: "holder", Image: "app", Binds: []string{"data:/d"}})
	if _, err := w.Create(t.Context(), w.a, CreateRequest{Image: "app", Binds: []string{"data:/d"}}); !errdefs.IsConflict(err) {
		t.Errorf("second attachment: %v", err)
	}
	if _, err := w.Remove(t.Context(), w.a, "holder", RemoveOptions{}); err != nil {
		t.Fatal(err)
	}
	w.create(t, CreateRequest{Image: "app", Binds: []string{"data:/d"}})
}

func TestStartThatFails(t *testing.T) {
	w := newWorld(t)
	c := w.create(t, CreateRequest{Name: "one", Image: "app"})
	w.engine.FailOnce("StartContainer", &engine.CommandError{Code: 127, Msg: `exec: "x": executable file not found in $PATH`})
	if err := w.Start(t.Context(), w.a, "one"); err == nil {
		t.Fatal("no error")
	}
	now := w.status(t, c.ID, store.StatusCreated)
	if now.State.ExitCode != 127 || !strings.Contains(now.State.Error, "not found") {
		t.Errorf("%+v", now.State)
	}
	if err := w.Start(t.Context(), w.a, "one"); err != nil {
		t.Errorf("the next start: %v", err)
	}
}

func TestLinksNeedRunningTargets(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Create(t.Context(), w.a, CreateRequest{Image: "app", Links: []string{"db:mysql"}}); !errdefs.IsNotFound(err) || err.Error() != "No such container: db" {
		t.Fatalf("%v", err)
	}
	db := w.create(t, CreateRequest{Name: "db", Image: "db"})
	w.create(t, CreateRequest{Name: "app", Image: "app", Links: []string{"db:mysql"}})
	if err := w.Start(t.Context(), w.a, "app"); err == nil || !strings.Contains(err.Error(), "Cannot link to a non running container") {
		t.Fatalf("%v", err)
	}
	if err := w.Start(t.Context(), w.a, "db"); err != nil {
		t.Fatal(err)
	}
	if err := w.Rename(t.Context(), w.a, "db", "renamed"); err != nil {
		t.Fatal(err)
	}
	if err := w.Start(t.Context(), w.a, "app"); err != nil {
		t.Fatal(err)
	}
	calls := w.engine.Calls("StartContainer")
	spec := calls[len(calls)-1].Arg.(engine.RunSpec)
	if !slices.Contains(spec.Env, "MYSQL_PORT_3306_TCP_ADDR="+db.Endpoints[0].Address.String()) {
		t.Errorf("env %q", spec.Env)
	}
}

func TestRestartPolicy(t *testing.T) {
	w := newWorld(t)
	c := w.started(t, CreateRequest{Image: "app", Restart: store.RestartPolicy{Name: "on-failure", MaxRetries: 2}})
	for n := 1; n <= 2; n++ {
		time.Sleep(5 * time.Millisecond)
		w.engine.Exit(w.a, c.ID, 1)
		for range 500 {
			now, _ := w.store.View(w.a).Container(c.ID)
			if now.State.Status == store.StatusRunning && now.State.RestartCount == n {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	time.Sleep(5 * time.Millisecond)
	w.engine.Exit(w.a, c.ID, 1)
	if now := w.status(t, c.ID, store.StatusExited); now.State.RestartCount != 2 {
		t.Errorf("restarted %d times, want 2", now.State.RestartCount)
	}
	always := w.started(t, CreateRequest{Image: "app", Restart: store.RestartPolicy{Name: "always"}})
	time.Sleep(5 * time.Millisecond)
	if err := w.Stop(t.Context(), w.a, always.ID, StopOptions{}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	w.status(t, always.ID, store.StatusExited)
}

func TestAutoRemove(t *testing.T) {
	w := newWorld(t)
	c := w.started(t, CreateRequest{Image: "db", AutoRemove: true})
	removed, err := w.Wait(t.Context(), w.a, c.ID, WaitRemoved)
	if err != nil {
		t.Fatal(err)
	}
	w.engine.Exit(w.a, c.ID, 7)
	if r := <-removed; r.ExitCode != 7 {
		t.Errorf("%+v", r)
	}
	if v := w.store.View(w.a); len(v.Containers()) != 0 || len(v.Volumes()) != 0 {
		t.Error("something stayed")
	}
}

// A new hyperd adopts what runs, records what ended, and restarts what its policy wants.
func TestRecover(t *testing.T) {
	w := newWorld(t)
	running := w.started(t, CreateRequest{Name: "running", Image: "app"})
	ended := w.started(t, CreateRequest{Name: "ended", Image: "app"})
	again := w.started(t, CreateRequest{Name: "again", Image: "app", Restart: store.RestartPolicy{Name: "always"}})
	w.Service.Close() // hyperd is away
	time.Sleep(20 * time.Millisecond)
	w.engine.Exit(w.a, ended.ID, 3)
	w.engine.Exit(w.a, again.ID, 0)
	half := Container{ID: newID(), Name: "half", ImageID: running.ImageID, Phase: store.Creating, CreatedAt: time.Now(), State: State{Status: store.StatusCreated}}
	err := w.store.Update(context.Background(), w.a, func(tx *store.Tx) error {
		return errors.Join(w.Network.Join(tx, &half, network.EndpointRequest{Network: "bridge"}), tx.PutContainer(half))
	})
	if err != nil {
		t.Fatal(err)
	}
	w.boot(t)
	w.status(t, running.ID, store.StatusRunning)
	if c := w.status(t, ended.ID, store.StatusExited); c.State.ExitCode != 3 {
		t.Errorf("exit code %d", c.State.ExitCode)
	}
	w.status(t, again.ID, store.StatusRunning)
	if _, ok := w.store.View(w.a).Container(half.ID); ok {
		t.Error("what was half made is still there")
	}
	if err := w.Stop(t.Context(), w.a, "running", StopOptions{}); err != nil {
		t.Error(err)
	}
}

// How a process ended is recorded before its task is deleted: were hyperd to die between the two the other way round, nobody would know.
func TestExitIsRecordedBeforeTheTaskGoes(t *testing.T) {
	w := newWorld(t)
	c := w.started(t, CreateRequest{Image: "app"})
	var seen State
	w.engine.On("DeleteTask", func(context.Context, fake.Call) error {
		row, _ := w.store.View(w.a).Container(c.ID)
		seen = row.State
		return nil
	})
	w.engine.Exit(w.a, c.ID, 3)
	w.status(t, c.ID, store.StatusExited)
	if err := w.Start(t.Context(), w.a, c.ID); err != nil { // it waits for the end of the exit
		t.Fatal(err)
	}
	if seen.Status != store.StatusExited || seen.ExitCode != 3 {
		t.Errorf("when the task was deleted the record said %s, %d", seen.Status, seen.ExitCode)
	}
}

// The same holds for one that ended while there was no hyperd.
func TestRecoverRecordsAnExitBeforeTheTaskGoes(t *testing.T) {
	w := newWorld(t)
	c := w.started(t, CreateRequest{Image: "app"})
	w.Service.Close()
	w.engine.Exit(w.a, c.ID, 3)
	var seen State
	w.engine.On("DeleteTask", func(context.Context, fake.Call) error {
		row, _ := w.store.View(w.a).Container(c.ID)
		seen = row.State
		return nil
	})
	w.boot(t)
	if seen.Status != store.StatusExited || seen.ExitCode != 3 {
		t.Errorf("when the task was deleted the record said %s, %d", seen.Status, seen.ExitCode)
	}
}

// An exit is told from one of an earlier process by the time since boot: the ledger's time goes back when the machine's clock was set back.
func TestExitAfterTheClockWasSetBack(t *testing.T) {
	w := newWorld(t)
	w.Service.Close()
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	var up, wrong atomic.Int64
	machine := store.SystemClock()
	clock := machine
	clock.Boot = func() time.Duration { return machine.Boot() + time.Duration(up.Load()) }
	clock.Wall = func() time.Time { return machine.Wall().Add(time.Duration(up.Load() + wrong.Load())) }
	var err error
	if w.store, err = store.OpenAt(filepath.Join(w.dir, "hyper.db"), clock); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	w.engine.Boot = clock.Boot
	w.boot(t)
	c := w.started(t, CreateRequest{Image: "app"})
	before := w.store.Now()
	wrong.Store(int64(-time.Hour))
	for range 2 {
		if err := w.store.KeepTime(t.Context()); err != nil {
			t.Fatal(err)
		}
		up.Add(int64(11 * time.Minute))
	}
	if now := w.store.Now(); !now.Before(before) {
		t.Fatalf("the ledger's time is %v, and was %v before the clock was set back", now, before)
	}
	w.engine.Exit(w.a, c.ID, 0)
	w.status(t, c.ID, store.StatusExited)
}

// A container that is to go at its exit, and is restarted, runs: its removal, which waited for the restart, comes to nothing.
func TestRestartKeepsFromAutoRemoval(t *testing.T) {
	w := newWorld(t)
	c := w.started(t, CreateRequest{Image: "app", AutoRemove: true})
	if err := w.Restart(t.Context(), w.a, c.ID, StopOptions{}); err != nil {
		t.Fatal(err)
	}
	w.autoRemove(w.a, c.ID)
	w.status(t, c.ID, store.StatusRunning)
	removed, err := w.Wait(t.Context(), w.a, c.ID, WaitRemoved)
	if err != nil {
		t.Fatal(err)
	}
	w.engine.Exit(w.a, c.ID, 7)
	if r := <-removed; r.Err != nil || r.ExitCode != 7 {
		t.Errorf("%+v", r)
	}
}

// A container that is to go at its exit goes, even if hyperd died when only the exit was recorded.
func TestRecoverFinishesAutoRemoval(t *testing.T) {
	w := newWorld(t)
	c := w.started(t, CreateRequest{Image: "db", AutoRemove: true})
	w.Service.Close()
	w.engine.Exit(w.a, c.ID, 0)
	row, _ := w.store.View(w.a).Container(c.ID)
	done := *row
	done.State.Status, done.State.Pid, done.State.FinishedAt = store.StatusExited, 0, time.Now()
	if err := w.store.Update(t.Context(), w.a, func(tx *store.Tx) error { return tx.PutContainer(done) }); err != nil {
		t.Fatal(err)
	}
	w.boot(t)
	for range 500 {
		if v := w.store.View(w.a); len(v.Containers()) == 0 && len(v.Volumes()) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("it is still there")
}

func TestProtection(t *testing.T) {
	w := newWorld(t)
	c := w.create(t, CreateRequest{Image: "app", Labels: map[string]string{labelProtection: "true"}})
	if _, err := w.Remove(t.Context(), w.a, c.ID, RemoveOptions{Force: true}); !errdefs.IsConflict(err) {
		t.Fatalf("%v", err)
	}
	off := false
	if _, err := w.Update(t.Context(), w.a, c.ID, UpdateRequest{Protection: &off}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Remove(t.Context(), w.a, c.ID, RemoveOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestListFilters(t *testing.T) {
	w := newWorld(t)
	w.started(t, CreateRequest{Name: "up", Image: "app", Labels: map[string]string{"k": "v", "l": ""}})
	w.create(t, CreateRequest{Name: "made", Image: "db"})
	for _, tc := range []struct {
		name string
		opts ListOptions
		want string
	}{
		{"running", ListOptions{}, "up"},
		{"all, newest first", ListOptions{All: true}, "made up"},
		{"the newest", ListOptions{Limit: 1}, "made"},
		{"status implies all", ListOptions{Filters: map[string][]string{"status": {"created"}}}, "made"},
		{"name is a substring", ListOptions{All: true, Filters: map[string][]string{"name": {"ad"}}}, "made"},
		{"labels are all wanted", ListOptions{All: true, Filters: map[string][]string{"label": {"k=v", "l"}}}, "up"},
		{"one label is missing", ListOptions{All: true, Filters: map[string][]string{"label": {"k=v", "m"}}}, ""},
		{"platform label", ListOptions{All: true, Filters: map[string][]string{"label": {labelSize + "=s4"}}}, "made up"},
		{"ancestor", ListOptions{All: true, Filters: map[string][]string{"ancestor": {"db"}}}, "made"},
		{"before", ListOptions{Filters: map[string][]string{"before": {"made"}}}, "up"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			list, err := w.List(t.Context(), w.a, tc.opts)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, c := range list {
				names = append(names, c.Name)
			}
			if got := strings.Join(names, " "); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
	if _, err := w.List(t.Context(), w.a, ListOptions{Filters: map[string][]string{"status": {"odd"}}}); err == nil || !strings.Contains(err.Error(), "Unrecognised filter value for status") {
		t.Errorf("%v", err)
	}
}
