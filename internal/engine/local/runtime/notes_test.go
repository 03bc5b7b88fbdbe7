package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/boottime"
	"github.com/hypercloud/hyper/internal/engine"
)

// between fails the test unless at is of the time from the one reading to the other.
func between(t *testing.T, what string, at, from, to time.Duration) {
	t.Helper()
	if at < from || at > to {
		t.Errorf("%s is at %v, which is not between %v and %v", what, at, from, to)
	}
}

// task is what the machine tells of the subject's process.
func (c *subject) task() engine.Task {
	c.t.Helper()
	list, err := c.r.Tasks(c.t.Context(), c.a)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, task := range list {
		if task.ContainerID == c.id {
			return task
		}
	}
	c.t.Fatal("there is no process")
	return engine.Task{}
}

// timed starts the container, between the readings that it returns.
func (c *subject) timed() (from, to time.Duration) {
	c.t.Helper()
	from = boottime.Now()
	c.start()
	return from, boottime.Now()
}

func TestTimesOfALife(t *testing.T) {
	for name, c := range map[string]struct {
		args  []string
		least time.Duration
	}{
		"a while":    {args: []string{"sleep", "0.3"}, least: 300 * time.Millisecond},
		"no time":    {args: []string{"true"}},
		"a bad end":  {args: []string{"sh", "-c", "kill -9 $$"}},
		"not at all": {args: []string{"/bin/broken"}},
	} {
		t.Run(name, func(t *testing.T) {
			events, err := shared.TaskEvents(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			s := container(t, c.args...)
			from, up := s.timed()
			ev := await(t, events, s.id)
			to := boottime.Now()
			task := s.task()
			between(t, "the start", task.StartedBoot, from, up)
			between(t, "the end", task.EndedBoot, task.StartedBoot+c.least, to)
			if ev.Boot != task.EndedBoot {
				t.Errorf("the event says %v, the machine %v", ev.Boot, task.EndedBoot)
			}
		})
	}
}

func TestTimesAreEachProcesssOwn(t *testing.T) {
	events, err := shared.TaskEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a, b := container(t, "sleep", "60"), containerOf(t, accountNumber(t, 1), "sleep", "60")
	subjects := []*subject{a, b}
	for _, s := range subjects {
		from, to := s.timed()
		task := s.task()
		between(t, "the start", task.StartedBoot, from, to)
		if task.EndedBoot != 0 {
			t.Errorf("it runs, and ended at %v", task.EndedBoot)
		}
	}
	started := a.task().StartedBoot
	for _, s := range []*subject{b, a} {
		from := boottime.Now()
		if err := s.r.Signal(t.Context(), s.a, s.id, int(unix.SIGKILL)); err != nil {
			t.Fatal(err)
		}
		ev := await(t, events, s.id)
		between(t, "the end", ev.Boot, from, boottime.Now())
	}
	if task := a.task(); task.StartedBoot != started {
		t.Errorf("it started at %v, and then at %v", started, task.StartedBoot)
	}
}

// Each run has times of its own, also when what is left of the one before was not removed.
func TestTimesOfTheNextRun(t *testing.T) {
	c := container(t, "true")
	c.start()
	c.exit()
	first := c.task()
	if err := c.r.DeleteTask(t.Context(), c.a, c.id); err != nil {
		t.Fatal(err)
	}
	dir := c.r.ioDir(keyOf(c.a, c.id))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string]time.Duration{startedNote: first.StartedBoot, endedNote: first.EndedBoot} {
		if err := boottime.Note(filepath.Join(dir, name), at); err != nil {
			t.Fatal(err)
		}
	}
	c.spec.Args = []string{"sleep", "60"}
	from, to := c.timed()
	task := c.task()
	between(t, "the second start", task.StartedBoot, from, to)
	if task.EndedBoot != 0 || !task.Running {
		t.Errorf("task %+v", task)
	}
}

func TestTimesDoNotMindExecs(t *testing.T) {
	events, err := shared.TaskEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := container(t, "sleep", "60")
	from, to := c.timed()
	if code, _, _, err := c.exec(engine.ExecSpec{Args: []string{"true"}}, ""); code != 0 || err != nil {
		t.Fatal(code, err)
	}
	task := c.task()
	between(t, "the start", task.StartedBoot, from, to)
	if task.EndedBoot != 0 {
		t.Errorf("the exec's end is the container's: %v", task.EndedBoot)
	}
	running, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		_, _ = c.r.Exec(context.WithoutCancel(t.Context()), c.a, c.id, engine.ExecSpec{ID: newID(), Args: []string{"sleep", "60"}}, engine.Streams{}, func(int) { close(running) })
	}()
	<-running
	from = boottime.Now()
	if err := c.r.Signal(t.Context(), c.a, c.id, int(unix.SIGKILL)); err != nil {
		t.Fatal(err)
	}
	ev := await(t, events, c.id)
	between(t, "the end", ev.Boot, from, boottime.Now())
	<-done
}

// The shim of an earlier version leaves no notes.
func TestTimesThatNobodyNoted(t *testing.T) {
	events, err := shared.TaskEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := container(t, "sleep", "60")
	c.start()
	dir := c.r.ioDir(keyOf(c.a, c.id))
	if err := os.Remove(filepath.Join(dir, startedNote)); err != nil {
		t.Fatal(err)
	}
	// Where the note of the end would be there is something else.
	if err := os.WriteFile(filepath.Join(dir, endedNote), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.r.Signal(t.Context(), c.a, c.id, int(unix.SIGKILL)); err != nil {
		t.Fatal(err)
	}
	if ev := await(t, events, c.id); ev.Boot != 0 || ev.ExitCode != 137 {
		t.Errorf("event %+v", ev)
	}
	if task := c.task(); task.StartedBoot != 0 || task.EndedBoot != 0 {
		t.Errorf("task %+v", task)
	}
}

// startAndWait is a hyperd that starts a container and is killed.
func startAndWait(ctx context.Context, r *Runtime, a account.Ref, id string) error {
	image, err := giveImage(ctx, r, a)
	if err != nil {
		return err
	}
	if err := r.CreateContainer(ctx, a, id, image); err != nil {
		return err
	}
	started, err := r.StartContainer(ctx, a, engine.RunSpec{ID: id, Args: []string{"sleep", "60"}, Env: []string{"PATH=/bin"}, Log: sceneLog}, nil)
	if err != nil {
		return err
	}
	fmt.Println(started.Pid)
	select {}
}

// tellTimes is the hyperd that comes after it and finds how things stand.
func tellTimes(ctx context.Context, r *Runtime, a account.Ref, id string) error {
	tasks, err := r.Tasks(ctx, a)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(tasks); err != nil {
		return err
	}
	return r.RemoveContainer(ctx, a, id)
}

func TestTimesOfALifeThatHyperdDidNotSee(t *testing.T) {
	for name, ends := range map[string]bool{"it ended": true, "it runs": false} {
		t.Run(name, func(t *testing.T) {
			id := newID()
			from := boottime.Now()
			pid := atoi(string(bytes.TrimSpace([]byte(killedHyperd(t, "start", id)))))
			up := boottime.Now()
			var killed, gone time.Duration
			if ends {
				killed = boottime.Now()
				if err := unix.Kill(pid, unix.SIGKILL); err != nil {
					t.Fatal(err)
				}
				eventually(t, "the process is gone", func() bool { return unix.Kill(pid, 0) == unix.ESRCH })
				gone = boottime.Now()
			}
			out, err := hyperd("times", id).Output()
			if err != nil {
				t.Fatal(err)
			}
			var tasks []engine.Task
			if err := json.Unmarshal(out, &tasks); err != nil || len(tasks) != 1 || tasks[0].Running == ends || tasks[0].Created {
				t.Fatalf("tasks %+v, %v", tasks, err)
			}
			between(t, "the start", tasks[0].StartedBoot, from, up)
			between(t, "the end", tasks[0].EndedBoot, killed, gone)
		})
	}
}
