package fake

import (
	"context"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

type container struct {
	image string
	task  *task // nil: none was started, or its remains are deleted
	logs  []engine.LogEntry
}

// CreateContainer implements engine.Containers.
func (e *Engine) CreateContainer(ctx context.Context, a account.Ref, id, image string) error {
	if err := e.enter(ctx, a, "CreateContainer", id, image); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	t := e.of(a)
	if _, ok := t.images[image]; !ok {
		return oops.NotFound("image %s is not on this machine", image)
	}
	if t.containers[id] == nil {
		t.containers[id] = &container{image: image}
	}
	return nil
}

// Populate implements engine.Containers: it is recorded, with path and target as a [2]string.
func (e *Engine) Populate(ctx context.Context, a account.Ref, id, path, target string) error {
	if err := e.enter(ctx, a, "Populate", id, [2]string{path, target}); err != nil {
		return err
	}
	_, err := e.container(a, id)
	return err
}

// StartContainer implements engine.Containers.
func (e *Engine) StartContainer(ctx context.Context, a account.Ref, spec engine.RunSpec, onCreated func(context.Context, int) error) (engine.Started, error) {
	if err := e.enter(ctx, a, "StartContainer", spec.ID, spec); err != nil {
		return engine.Started{}, err
	}
	c, err := e.container(a, spec.ID)
	if err != nil {
		return engine.Started{}, err
	}
	e.mu.Lock()
	if c.task != nil {
		e.mu.Unlock()
		return engine.Started{}, failedPrecondition("container %s has a process already", spec.ID)
	}
	e.nextPid++
	pid := e.nextPid
	e.mu.Unlock()
	if onCreated != nil {
		if err := onCreated(ctx, pid); err != nil {
			return engine.Started{}, err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	c.task = &task{pid: pid, spec: spec, started: e.Boot(), ended: make(chan struct{})}
	e.ran(a, c.task)
	return engine.Started{Pid: pid, Boot: c.task.started}, nil
}

// RemoveContainer implements engine.Containers. A process that lives is ended without an event, as is its container.
func (e *Engine) RemoveContainer(ctx context.Context, a account.Ref, id string) error {
	if err := e.enter(ctx, a, "RemoveContainer", id, nil); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	if c := e.of(a).containers[id]; c != nil && c.task != nil {
		e.end(c.task, 137)
	}
	delete(e.of(a).containers, id)
	return nil
}

// DeleteTask implements engine.Containers.
func (e *Engine) DeleteTask(ctx context.Context, a account.Ref, id string) error {
	if err := e.enter(ctx, a, "DeleteTask", id, nil); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	c := e.of(a).containers[id]
	if c == nil || c.task == nil {
		return nil
	}
	if c.task.running() {
		return failedPrecondition("the process of container %s lives", id)
	}
	c.task = nil
	return nil
}

// Say records output of a container, for Logs.
func (e *Engine) Say(a account.Ref, id, stream, line string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.of(a).containers[id]; c != nil {
		c.logs = append(c.logs, engine.LogEntry{Time: time.Now(), Stream: stream, Line: []byte(line)})
	}
}

func (e *Engine) container(a account.Ref, id string) (*container, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.of(a).containers[id]; c != nil {
		return c, nil
	}
	return nil, oops.NotFound("container %s is not on this machine", id)
}
