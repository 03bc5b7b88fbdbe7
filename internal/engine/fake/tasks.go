package fake

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

// task is a process. Its fields are guarded by the engine's lock.
type task struct {
	pid      int
	spec     engine.RunSpec
	paused   bool
	exitCode int
	exitedAt time.Time
	started  time.Duration // since boot, as is stopped
	stopped  time.Duration
	ended    chan struct{} // closed at the end
}

func (t *task) running() bool {
	select {
	case <-t.ended:
		return false
	default:
		return true
	}
}

// end ends a process. The engine's lock is held.
func (e *Engine) end(t *task, code int) {
	if t.running() {
		t.exitCode, t.exitedAt, t.stopped = code, e.Now(), e.Boot()
		e.over(t)
		e.keep() // before anybody is told
		close(t.ended)
	}
}

// listener is who reads task events.
type listener struct {
	ctx context.Context
	ch  chan engine.TaskEvent
}

// Exit ends a container's process, as if by itself. It reports whether there was one.
func (e *Engine) Exit(a account.Ref, id string, code int) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.exit(a, id, code)
}

func (e *Engine) exit(a account.Ref, id string, code int) bool {
	c := e.of(a).containers[id]
	if c == nil || c.task == nil || !c.task.running() {
		return false
	}
	e.end(c.task, code)
	e.tell(engine.TaskEvent{Account: a.ID(), ContainerID: id, Kind: engine.TaskExited, ExitCode: code, Time: c.task.exitedAt, Boot: c.task.stopped})
	return true
}

// OOM tells that the kernel killed a process of the container for memory, and ends its process.
func (e *Engine) OOM(a account.Ref, id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tell(engine.TaskEvent{Account: a.ID(), ContainerID: id, Kind: engine.TaskOOM, Time: e.Now()})
	e.exit(a, id, 137)
}

// tell hands an event to the listener, whose buffer is larger than what tests bring about.
func (e *Engine) tell(ev engine.TaskEvent) {
	if e.listener == nil || e.listener.ctx.Err() != nil {
		return
	}
	e.listener.ch <- ev
}

// TaskEvents implements engine.Containers. A later reader takes the place of an earlier one.
func (e *Engine) TaskEvents(ctx context.Context) (<-chan engine.TaskEvent, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l := &listener{ctx: ctx, ch: make(chan engine.TaskEvent, 4096)}
	e.mu.Lock()
	e.listener = l
	e.mu.Unlock()
	context.AfterFunc(ctx, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.listener == l {
			e.listener = nil
		}
		close(l.ch)
	})
	return l.ch, nil
}

// Tasks implements engine.Containers.
func (e *Engine) Tasks(ctx context.Context, a account.Ref) ([]engine.Task, error) {
	if err := e.enter(ctx, a, "Tasks", "", nil); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []engine.Task
	for _, id := range slices.Sorted(maps.Keys(e.of(a).containers)) {
		t := e.of(a).containers[id].task
		if t == nil {
			continue
		}
		row := engine.Task{
			ContainerID: id, Running: t.running(), Paused: t.running() && t.paused, ExitCode: t.exitCode, ExitedAt: t.exitedAt,
			StartedBoot: t.started, EndedBoot: t.stopped,
		}
		if t.running() {
			row.Pid = t.pid
		}
		out = append(out, row)
	}
	return out, nil
}

// Adopt implements engine.Containers.
func (e *Engine) Adopt(ctx context.Context, a account.Ref, id string, log engine.LogConfig) error {
	if err := e.enter(ctx, a, "Adopt", id, log); err != nil {
		return err
	}
	_, err := e.live(a, id)
	return err
}

// live is the process of a container, if it lives.
func (e *Engine) live(a account.Ref, id string) (*task, error) {
	c, err := e.container(a, id)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.task == nil || !c.task.running() {
		return nil, failedPrecondition("container %s does not run", id)
	}
	return c.task, nil
}
