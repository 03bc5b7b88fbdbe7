package runtime

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

const (
	sceneEnv     = "HYPER_RUNTIME_TEST_SCENE"
	subjectEnv   = "HYPER_RUNTIME_TEST_SUBJECT"
	silence      = 1500 * time.Millisecond
	adoptedLines = 30000 // more than a pipe holds that nobody widened
)

var sceneLog = engine.LogConfig{MaxFiles: 10, MaxSize: 5_000_000}

// victim is a hyperd that is killed, or the one that comes after it.
func victim() int {
	r, stop, err := machine(context.Background(), filepath.Join(os.Getenv(rootEnv), "v"))
	if err != nil {
		return failed(err)
	}
	defer stop()
	a, err := account.New(strings.Repeat("c", 32), 3)
	if err != nil {
		return failed(err)
	}
	scene, ok := map[string]func(context.Context, *Runtime, account.Ref, string) error{
		"before": beforeDeath, "after": afterDeath, "start": startAndWait, "times": tellTimes,
	}[os.Getenv(sceneEnv)]
	if !ok {
		return failed(fmt.Errorf("there is no scene %q", os.Getenv(sceneEnv)))
	}
	if err := scene(context.Background(), r, a, os.Getenv(subjectEnv)); err != nil {
		return failed(err)
	}
	return 0
}

func beforeDeath(ctx context.Context, r *Runtime, a account.Ref, id string) error {
	image, err := giveImage(ctx, r, a)
	if err != nil {
		return err
	}
	if err := r.CreateContainer(ctx, a, id, image); err != nil {
		return err
	}
	script := fmt.Sprintf("seq 1 5; sleep 1.5; seq 6 %d; read x; echo got $x; exit 3", adoptedLines)
	_, err = r.StartContainer(ctx, a, engine.RunSpec{
		ID: id, Args: []string{"sh", "-c", script}, Env: []string{"PATH=/bin"}, OpenStdin: true, Log: sceneLog,
	}, nil)
	if err != nil {
		return err
	}
	err = r.Logs(ctx, a, id, engine.LogOptions{Follow: true, Tail: -1, Stdout: true}, func(e engine.LogEntry) error {
		if string(e.Line) == "5\n" {
			return errors.New("seen")
		}
		return nil
	})
	if err == nil || err.Error() != "seen" {
		return fmt.Errorf("the first lines did not come: %w", err)
	}
	// An exec that is running when hyperd dies does not hold anything up.
	go func() {
		_, _ = r.Exec(ctx, a, id, engine.ExecSpec{ID: newID(), Args: []string{"yes"}}, engine.Streams{Stdout: stuck{}}, nil)
	}()
	time.Sleep(200 * time.Millisecond)
	fmt.Println("ready")
	select {}
}

// stuck is a client that does not read.
type stuck struct{}

func (stuck) Write([]byte) (int, error) { select {} }

func afterDeath(ctx context.Context, r *Runtime, a account.Ref, id string) error {
	events, err := r.TaskEvents(ctx)
	if err != nil {
		return err
	}
	tasks, err := r.Tasks(ctx, a)
	if err != nil || len(tasks) != 1 || !tasks[0].Running {
		return fmt.Errorf("tasks %v, %w", tasks, err)
	}
	for range 2 { // the second time changes nothing
		if err := r.Adopt(ctx, a, id, sceneLog); err != nil {
			return err
		}
	}
	var out buffer
	if err := r.Attach(ctx, a, id, engine.Streams{Stdin: strings.NewReader("hello\n"), Stdout: &out}, true); err != nil {
		return err
	}
	if !strings.HasSuffix(out.String(), "got hello\n") {
		return fmt.Errorf("the adopted container said %.100q", out.String())
	}
	select {
	case ev := <-events:
		if ev.Kind != engine.TaskExited || ev.ExitCode != 3 || ev.Account != a.ID() {
			return fmt.Errorf("event %+v", ev)
		}
	case <-time.After(10 * time.Second):
		return errors.New("the exit was not told of")
	}
	if err := r.DeleteTask(ctx, a, id); err != nil {
		return err
	}
	n := 0
	err = r.Logs(ctx, a, id, engine.LogOptions{Tail: -1, Stdout: true}, func(e engine.LogEntry) error {
		n++
		want := fmt.Sprintf("%d\n", n)
		if n == adoptedLines+1 {
			want = "got hello\n"
		}
		if string(e.Line) != want {
			return fmt.Errorf("line %d of the log is %q", n, e.Line)
		}
		return nil
	})
	if err != nil || n != adoptedLines+1 {
		return fmt.Errorf("%d lines in the log, %w", n, err)
	}
	return r.RemoveContainer(ctx, a, id)
}

func TestContainersOutliveHyperd(t *testing.T) {
	id := newID()
	if line := killedHyperd(t, "before", id); line != "ready\n" {
		t.Fatalf("%q", line)
	}
	time.Sleep(silence + 300*time.Millisecond) // the container writes on, and nobody reads
	if err := hyperd("after", id).Run(); err != nil {
		t.Fatal(err)
	}
}

// hyperd is a process that plays a scene with a container.
func hyperd(scene, id string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), partEnv+"=hyperd", sceneEnv+"="+scene, subjectEnv+"="+id)
	cmd.Stderr = os.Stderr
	return cmd
}

// killedHyperd has a scene played until a line is said, and then kills who plays it. It returns the line.
func killedHyperd(t *testing.T, scene, id string) string {
	t.Helper()
	cmd := hyperd(scene, id)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	return line
}
