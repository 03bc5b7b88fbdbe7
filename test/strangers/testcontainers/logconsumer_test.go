package testcontainers

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	tc "github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

// TestLogConsumer follows what a container says while it goes on.
func TestLogConsumer(t *testing.T) {
	var heard heard
	ctr := start(t, "busybox",
		tc.WithEntrypoint("sh", "-c"), tc.WithCmd("echo one; read word </tmp/word; echo $word; exec sleep 1000"),
		tc.WithLifecycleHooks(tc.ContainerLifecycleHooks{PreStarts: []tc.ContainerHook{func(ctx context.Context, c tc.Container) error {
			return c.CopyToContainer(ctx, []byte("two\n"), "/tmp/word", 0o644)
		}}}),
		tc.WithLogConsumers(&heard),
		tc.WithWaitStrategy(wait.ForLog("two"), wait.ForFile("/tmp/word")),
	)
	for range 300 { // it is told apart from who waits
		if heard.text() == "one\ntwo\n" {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if got := heard.text(); got != "one\ntwo\n" {
		t.Errorf("heard %q", got)
	}
	if err := ctr.Terminate(t.Context(), tc.StopTimeout(0)); err != nil {
		t.Fatal(err)
	}
}

type heard struct {
	mu    sync.Mutex
	lines []string
}

// Accept implements tc.LogConsumer.
func (h *heard) Accept(l tc.Log) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, string(l.Content))
}

func (h *heard) text() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.lines, "")
}
