package fake

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// Signal implements engine.Containers. SIGTERM, SIGINT, SIGQUIT, SIGHUP and SIGKILL end the process; a hook on
// Signal can have it ignore the first four by returning ErrIgnored.
func (e *Engine) Signal(ctx context.Context, a account.Ref, id string, signal int) error {
	err := e.enter(ctx, a, "Signal", id, signal)
	ignored := errors.Is(err, ErrIgnored)
	if err != nil && !ignored {
		return err
	}
	if _, err := e.container(a, id); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.of(a).containers[id]
	if c == nil || c.task == nil || !c.task.running() {
		return oops.NotFound("container %s does not run", id)
	}
	switch syscall.Signal(signal) {
	case syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP:
		if !ignored {
			e.exit(a, id, 128+signal)
		}
	case syscall.SIGKILL:
		e.exit(a, id, 137)
	}
	return nil
}

// ErrIgnored is for hooks on Signal: the process does not mind this one.
var ErrIgnored = oops.NotModified("the process ignores the signal")

// Pause implements engine.Containers.
func (e *Engine) Pause(ctx context.Context, a account.Ref, id string) error {
	return e.setPaused(ctx, a, "Pause", id, true)
}

// Unpause implements engine.Containers.
func (e *Engine) Unpause(ctx context.Context, a account.Ref, id string) error {
	return e.setPaused(ctx, a, "Unpause", id, false)
}

func (e *Engine) setPaused(ctx context.Context, a account.Ref, method, id string, paused bool) error {
	if err := e.enter(ctx, a, method, id, nil); err != nil {
		return err
	}
	t, err := e.live(a, id)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	t.paused = paused
	return nil
}

// Resize implements engine.Containers.
func (e *Engine) Resize(ctx context.Context, a account.Ref, id string, rows, cols uint16) error {
	return e.enter(ctx, a, "Resize", id, [2]uint16{rows, cols})
}

// Attach implements engine.Containers: it returns at the end of the process, or of ctx. A process that is about to be
// started is waited for.
func (e *Engine) Attach(ctx context.Context, a account.Ref, id string, streams engine.Streams, _ bool) error {
	if err := e.enter(ctx, a, "Attach", id, nil); err != nil {
		return err
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if t, err := e.live(a, id); err == nil {
			e.speak(streams)
			select {
			case <-t.ended:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Logs implements engine.Containers for what was said before the call; with Follow it then waits for the end.
func (e *Engine) Logs(ctx context.Context, a account.Ref, id string, opts engine.LogOptions, fn func(engine.LogEntry) error) error {
	if err := e.enter(ctx, a, "Logs", id, opts); err != nil {
		return err
	}
	c, err := e.container(a, id)
	if err != nil {
		return err
	}
	e.mu.Lock()
	var picked []engine.LogEntry
	for _, l := range c.logs {
		wanted := l.Stream == "stdout" && opts.Stdout || l.Stream == "stderr" && opts.Stderr
		if wanted && !l.Time.Before(opts.Since) && (opts.Until.IsZero() || !l.Time.After(opts.Until)) {
			picked = append(picked, l)
		}
	}
	t := c.task
	e.mu.Unlock()
	if opts.Tail >= 0 && len(picked) > opts.Tail {
		picked = picked[len(picked)-opts.Tail:]
	}
	for _, l := range picked {
		if err := fn(l); err != nil {
			return err
		}
	}
	if !opts.Follow || t == nil {
		return nil
	}
	select {
	case <-t.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Exec implements engine.Containers: the process does nothing and ends well at once. A hook can make it last or fail.
func (e *Engine) Exec(ctx context.Context, a account.Ref, id string, spec engine.ExecSpec, streams engine.Streams, onStart func(int)) (int, error) {
	if _, err := e.live(a, id); err != nil {
		return 0, err
	}
	e.mu.Lock()
	e.nextPid++
	pid := e.nextPid
	e.mu.Unlock()
	if onStart != nil {
		onStart(pid)
	}
	e.speak(streams)
	return 0, e.enter(ctx, a, "Exec", id, spec)
}

// ExecResize implements engine.Containers.
func (e *Engine) ExecResize(ctx context.Context, a account.Ref, id, _ string, rows, cols uint16) error {
	return e.enter(ctx, a, "ExecResize", id, [2]uint16{rows, cols})
}

// Stats implements engine.Containers.
func (e *Engine) Stats(ctx context.Context, a account.Ref, id string) (engine.Stats, error) {
	if err := e.enter(ctx, a, "Stats", id, nil); err != nil {
		return engine.Stats{}, err
	}
	_, err := e.live(a, id)
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	used := uint64(now.Sub(e.born).Seconds() * float64(e.burn))
	return engine.Stats{Time: now, OnlineCPUs: 1, Pids: 1, CPUTotal: used}, err
}

// Processes implements engine.Containers.
func (e *Engine) Processes(ctx context.Context, a account.Ref, id string) ([]int, error) {
	if err := e.enter(ctx, a, "Processes", id, nil); err != nil {
		return nil, err
	}
	t, err := e.live(a, id)
	if err != nil {
		return nil, err
	}
	return []int{t.pid}, nil
}

// RootfsUsage implements engine.Containers.
func (e *Engine) RootfsUsage(ctx context.Context, a account.Ref, id string) (int64, error) {
	if err := e.enter(ctx, a, "RootfsUsage", id, nil); err != nil {
		return 0, err
	}
	_, err := e.container(a, id)
	return 4096, err
}
