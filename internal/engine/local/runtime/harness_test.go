package runtime

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

func accountNumber(tb testing.TB, n int) account.Ref {
	tb.Helper()
	a, err := account.New(fmt.Sprintf("%032x", 0xa0+n), 10+n)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func newID() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// subject is a container under test.
type subject struct {
	t    testing.TB
	r    *Runtime
	a    account.Ref
	id   string
	spec engine.RunSpec
}

// container makes a container whose command is args. Whatever it leaves when it is removed fails the test.
func container(tb testing.TB, args ...string) *subject {
	tb.Helper()
	return containerOf(tb, accountNumber(tb, 0), args...)
}

func containerOf(tb testing.TB, a account.Ref, args ...string) *subject {
	tb.Helper()
	image, err := giveImage(tb.Context(), shared, a)
	if err != nil {
		tb.Fatal(err)
	}
	c := &subject{t: tb, r: shared, a: a, id: newID()}
	c.spec = engine.RunSpec{
		ID: c.id, Image: image, Args: args, Env: []string{"PATH=/usr/bin:/bin:/sbin"}, Hostname: "subject",
		Limits: engine.Limits{CPUs: 1, Memory: 64 << 20}, Log: engine.LogConfig{MaxFiles: 3, MaxSize: 1 << 20},
	}
	if err := c.r.CreateContainer(tb.Context(), a, c.id, image); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.r.RemoveContainer(context.Background(), a, c.id); err != nil {
			tb.Error(err)
		}
		if left := c.leftovers(); left != "" {
			tb.Errorf("after its removal there is still %s", left)
		}
	})
	return c
}

// leftovers tells what is there of a container.
func (c *subject) leftovers() string {
	var left []string
	ctx := scope(context.Background(), c.a)
	k := keyOf(c.a, c.id)
	if _, err := c.r.snapshots().Stat(ctx, snapshotKey(c.id)); err == nil {
		left = append(left, "its snapshot")
	}
	if _, err := c.r.records().Get(ctx, c.id); err == nil {
		left = append(left, "its record")
	}
	left = append(left, c.remains()...)
	if _, err := os.Stat(c.r.logDir(k)); err == nil {
		left = append(left, "its log")
	}
	return strings.Join(left, ", ")
}

func (c *subject) hasShim() bool {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	return slices.ContainsFunc(lines, func(l string) bool {
		raw, _ := os.ReadFile(l)
		return bytes.Contains(raw, []byte("containerd-shim")) && bytes.Contains(raw, []byte(c.id))
	})
}

// remains tells what is there of a container's process.
func (c *subject) remains() (left []string) {
	k := keyOf(c.a, c.id)
	for name, dir := range map[string]string{
		"pipes": c.r.ioDir(k), "runc state": filepath.Join(c.r.runcRoot(), k.account, k.id), "control group": c.r.cgroupFile(k, "memory", ""),
	} {
		if _, err := os.Stat(dir); err == nil {
			left = append(left, name)
		}
	}
	mounts, _ := os.ReadFile("/proc/self/mounts")
	if bytes.Contains(mounts, []byte(c.id)) || bytes.Contains(mounts, []byte(c.r.mountDir())) {
		left = append(left, "a mount")
	}
	// A shim that was told to end does so by itself.
	for n := 0; c.hasShim(); n++ {
		if n == 100 {
			left = append(left, "a shim")
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	if c.r.hubs[k] != nil || c.r.live[k] != nil {
		left = append(left, "a memory of it")
	}
	return left
}

func (c *subject) start() int {
	c.t.Helper()
	started, err := c.r.StartContainer(c.t.Context(), c.a, c.spec, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return started.Pid
}

// wait waits for the process's end and deletes the task, as the rules do.
func (c *subject) wait() int {
	c.t.Helper()
	code := c.exit()
	if err := c.r.DeleteTask(c.t.Context(), c.a, c.id); err != nil {
		c.t.Fatal(err)
	}
	return code
}

// exit waits for the process's end.
func (c *subject) exit() int {
	c.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		list, err := c.r.Tasks(c.t.Context(), c.a)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, task := range list {
			if task.ContainerID == c.id && !task.Running && !task.Created {
				return task.ExitCode
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	c.t.Fatal("the process did not end")
	return -1
}

// run starts the container, waits for its end and returns what it wrote.
func (c *subject) run() (code int, stdout, stderr string) {
	c.t.Helper()
	c.start()
	code = c.wait()
	return code, c.logs("stdout"), c.logs("stderr")
}

func (c *subject) logs(stream string) string {
	c.t.Helper()
	var out strings.Builder
	opts := engine.LogOptions{Tail: -1, Stdout: stream == "stdout", Stderr: stream == "stderr"}
	if err := c.r.Logs(c.t.Context(), c.a, c.id, opts, func(e engine.LogEntry) error { out.Write(e.Line); return nil }); err != nil {
		c.t.Fatal(err)
	}
	return out.String()
}

// exec runs a command in the running container.
func (c *subject) exec(spec engine.ExecSpec, stdin string) (code int, stdout, stderr string, err error) {
	spec.ID = newID()
	var o, e buffer
	s := engine.Streams{Stdout: &o, Stderr: &e}
	if stdin != "" {
		s.Stdin = strings.NewReader(stdin)
	}
	code, err = c.r.Exec(c.t.Context(), c.a, c.id, spec, s, nil)
	return code, o.String(), e.String(), err
}

// eventually waits until ok holds.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			tb.Fatalf("it did not come to be that %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// buffer is a client that can be read while it is written to.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
