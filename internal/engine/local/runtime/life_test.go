package runtime

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/engine"
)

func TestSignalPauseAndStats(t *testing.T) {
	c := container(t, "sh", "-c", "trap 'echo usr1; exit 9' USR1; while :; do sleep 0.02; done")
	pid := c.start()
	s, err := c.r.Stats(t.Context(), c.a, c.id)
	if err != nil {
		t.Fatal(err)
	}
	if s.MemoryUsage == 0 || s.MemoryLimit != 64<<20 || s.SystemCPU == 0 || s.OnlineCPUs == 0 || s.Pids == 0 || s.PidsLimit != limitProcesses || s.CPUTotal == 0 {
		t.Errorf("stats %+v", s)
	}
	pids, err := c.r.Processes(t.Context(), c.a, c.id)
	if err != nil || len(pids) == 0 {
		t.Errorf("processes %v, %v", pids, err)
	}
	if err := c.r.Pause(t.Context(), c.a, c.id); err != nil {
		t.Fatal(err)
	}
	if list, err := c.r.Tasks(t.Context(), c.a); err != nil || len(list) != 1 || !list[0].Paused || !list[0].Running || list[0].Pid != pid {
		t.Errorf("tasks %+v, %v", list, err)
	}
	if err := c.r.Unpause(t.Context(), c.a, c.id); err != nil {
		t.Fatal(err)
	}
	if err := c.r.Signal(t.Context(), c.a, c.id, 10); err != nil {
		t.Fatal(err)
	}
	if code := c.wait(); code != 9 || c.logs("stdout") != "usr1\n" {
		t.Errorf("exit code %d, %q", code, c.logs("stdout"))
	}
	if err := c.r.Signal(t.Context(), c.a, c.id, 9); !errdefs.IsNotFound(err) {
		t.Errorf("signal after the end: %v", err)
	}
}

func TestAPausedContainerCanBeRemoved(t *testing.T) {
	c := container(t, "sleep", "60")
	c.start()
	if err := c.r.Pause(t.Context(), c.a, c.id); err != nil {
		t.Fatal(err)
	}
	if err := c.r.RemoveContainer(t.Context(), c.a, c.id); err != nil {
		t.Fatal(err)
	}
}

func TestEventsOfAnExit(t *testing.T) {
	events, err := shared.TaskEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := container(t, "sh", "-c", "echo last; exit 6")
	c.start()
	ev := await(t, events, c.id)
	if ev.Kind != engine.TaskExited || ev.ExitCode != 6 || ev.Account != c.a.ID() || time.Since(ev.Time) > time.Minute {
		t.Errorf("event %+v", ev)
	}
	if out := c.logs("stdout"); out != "last\n" {
		t.Errorf("the log was not complete: %q", out)
	}
}

func TestEventsOfMemoryThatIsNotThere(t *testing.T) {
	events, err := shared.TaskEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := container(t, "sh", "-c", "x=$(yes | tr '\\n' x); echo survived")
	c.spec.Args = []string{"dd", "if=/dev/zero", "of=/dev/null", "bs=200M", "count=1"}
	c.start()
	if ev := await(t, events, c.id); ev.Kind != engine.TaskOOM || ev.Account != c.a.ID() {
		t.Errorf("first event %+v", ev)
	}
	if ev := await(t, events, c.id); ev.Kind != engine.TaskExited || ev.ExitCode != 137 {
		t.Errorf("second event %+v", ev)
	}
}

// await returns the next event of a container.
func await(t *testing.T, events <-chan engine.TaskEvent, id string) engine.TaskEvent {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case ev := <-events:
			if ev.ContainerID == id {
				return ev
			}
		case <-timeout:
			t.Fatal("no event")
		}
	}
}

func TestTheEndOfAShimIsAnExit(t *testing.T) {
	events, err := shared.TaskEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := container(t, "sleep", "60")
	pid := c.start()
	raw, err := os.ReadFile(filepath.Join(c.r.RunDir, "c", "io.containerd.runtime.v2.task", c.a.ID(), c.id, "shim.pid"))
	if err != nil {
		raw, err = os.ReadFile("/proc/" + itoa(pid) + "/stat")
		if err != nil {
			t.Fatal(err)
		}
		raw = bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:])[1] // the parent
	}
	shim, err := os.FindProcess(atoi(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	if err := shim.Kill(); err != nil {
		t.Fatal(err)
	}
	if ev := await(t, events, c.id); ev.Kind != engine.TaskExited || ev.ExitCode == 0 {
		t.Errorf("event %+v", ev)
	}
}

func TestReapRemovesWhatIsNotKept(t *testing.T) {
	kept, stray := container(t, "sleep", "60"), container(t, "sleep", "60")
	kept.start()
	stray.start()
	k := key{strings.Repeat("e", 32), newID()} // of an account that is no more
	for _, dir := range []string{kept.r.ioDir(k), kept.r.logDir(k)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := kept.r.Reap(t.Context(), []engine.Keep{{Account: kept.a, Containers: []string{kept.id}}}); err != nil {
		t.Fatal(err)
	}
	if left := stray.leftovers(); left != "" {
		t.Errorf("there is still %s", left)
	}
	for _, dir := range []string{kept.r.ioDir(k), kept.r.logDir(k)} {
		if _, err := os.Stat(filepath.Dir(dir)); err == nil {
			t.Errorf("%s is still there", dir)
		}
	}
	if code, out, _, err := kept.exec(engine.ExecSpec{Args: []string{"echo", "alive"}}, ""); err != nil || code != 0 || out != "alive\n" {
		t.Errorf("the other says %q, %d, %v", out, code, err)
	}
}

// A containerd namespace that is not named as accounts are is an operator's.
func TestReapLeavesForeignNamespacesAlone(t *testing.T) {
	var said bytes.Buffer
	r := New(shared.Config)
	r.Log = slog.New(slog.NewTextHandler(&said, nil))
	ctx := namespaces.WithNamespace(t.Context(), "operators")
	ns := r.Client.NamespaceService()
	if err := ns.Create(ctx, "operators", nil); err != nil {
		t.Fatal(err)
	}
	record := containers.Container{ID: "theirs", Runtime: containers.RuntimeInfo{Name: "none"}}
	if _, err := r.records().Create(ctx, record); err != nil {
		t.Fatal(err)
	}
	if err := r.Reap(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if !strings.Contains(said.String(), "level=WARN") || !strings.Contains(said.String(), "namespace=operators") {
		t.Errorf("it said %q", said.String())
	}
	if _, err := r.records().Get(ctx, "theirs"); err != nil {
		t.Error(err)
	}
	if err := errors.Join(r.records().Delete(ctx, "theirs"), ns.Delete(ctx, "operators")); err != nil {
		t.Error(err)
	}
}

func TestRemovalIsRepeatable(t *testing.T) {
	c := container(t, "true")
	c.run()
	for range 2 {
		if err := c.r.RemoveContainer(context.Background(), c.a, c.id); err != nil {
			t.Error(err)
		}
	}
	for range 2 {
		if err := c.r.CreateContainer(t.Context(), c.a, c.id, c.spec.Image); err != nil {
			t.Error(err)
		}
	}
	if err := c.r.CreateContainer(t.Context(), c.a, newID(), "sha256:"+newID()); !errdefs.IsNotFound(err) {
		t.Errorf("an image that is not there: %v", err)
	}
	c.spec.ID = newID()
	if _, err := c.r.StartContainer(t.Context(), c.a, c.spec, nil); !errdefs.IsNotFound(err) {
		t.Errorf("a container that is not there: %v", err)
	}
}

func BenchmarkStart(b *testing.B) {
	c := containerOf(b, accountNumber(b, 0), "true")
	c.r.Trace = func(name string, start time.Time) {
		b.ReportMetric(float64(time.Since(start).Microseconds())/1000, strings.TrimPrefix(name, "start.")+"-ms")
	}
	defer func() { c.r.Trace = func(string, time.Time) {} }()
	for b.Loop() {
		c.start()
		b.StopTimer()
		c.wait()
		b.StartTimer()
	}
}
