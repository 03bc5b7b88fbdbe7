package runtime

import (
	"context"
	"fmt"
	"syscall"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	tasktypes "github.com/containerd/containerd/api/types/task"
	"github.com/containerd/errdefs/pkg/errgrpc"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

// Tasks implements engine.Containers.
func (r *Runtime) Tasks(ctx context.Context, a account.Ref) ([]engine.Task, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	ctx = scope(ctx, a)
	records, err := r.records().List(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the containers: %w", err)
	}
	reply, err := r.tasks().List(ctx, &tasksapi.ListTasksRequest{})
	if err != nil {
		return nil, fmt.Errorf("listing the processes: %w", errgrpc.ToNative(err))
	}
	processes := map[string]*tasktypes.Process{}
	for _, p := range reply.GetTasks() {
		processes[p.GetID()] = p
	}
	var out []engine.Task
	for _, c := range records {
		t := taskOf(c.ID, processes[c.ID])
		if !t.Created {
			t.StartedBoot, t.EndedBoot = r.startedBoot(keyOf(a, c.ID)), r.endedBoot(keyOf(a, c.ID))
		}
		if t.Running {
			t.EndedBoot = 0 // it ended after containerd was asked
		}
		out = append(out, t)
	}
	return out, nil
}

func taskOf(id string, p *tasktypes.Process) engine.Task {
	t := engine.Task{ContainerID: id}
	switch p.GetStatus() {
	case tasktypes.Status_RUNNING:
		t.Running, t.Pid = true, int(p.GetPid())
	case tasktypes.Status_PAUSED, tasktypes.Status_PAUSING:
		t.Running, t.Paused, t.Pid = true, true, int(p.GetPid())
	case tasktypes.Status_STOPPED:
		t.ExitCode = int(p.GetExitStatus())
		if p.GetExitedAt() != nil {
			t.ExitedAt = p.GetExitedAt().AsTime()
		}
	case tasktypes.Status_UNKNOWN, tasktypes.Status_CREATED:
		// A record whose process was made and not started, or never made, or is gone without a word.
		t.Created = true
	}
	return t
}

// Signal implements engine.Containers.
func (r *Runtime) Signal(ctx context.Context, a account.Ref, id string, signal int) error {
	ctx, _, err := r.running(ctx, a, id)
	if err != nil {
		return err
	}
	_, err = r.tasks().Kill(ctx, &tasksapi.KillRequest{ContainerID: id, Signal: uint32(syscall.Signal(signal))})
	return told(id, "signalling", err)
}

// Pause implements engine.Containers.
func (r *Runtime) Pause(ctx context.Context, a account.Ref, id string) error {
	ctx, _, err := r.running(ctx, a, id)
	if err != nil {
		return err
	}
	_, err = r.tasks().Pause(ctx, &tasksapi.PauseTaskRequest{ContainerID: id})
	return told(id, "pausing", err)
}

// Unpause implements engine.Containers.
func (r *Runtime) Unpause(ctx context.Context, a account.Ref, id string) error {
	ctx, _, err := r.running(ctx, a, id)
	if err != nil {
		return err
	}
	_, err = r.tasks().Resume(ctx, &tasksapi.ResumeTaskRequest{ContainerID: id})
	return told(id, "resuming", err)
}

// Resize implements engine.Containers.
func (r *Runtime) Resize(ctx context.Context, a account.Ref, id string, rows, cols uint16) error {
	ctx, _, err := r.running(ctx, a, id)
	if err != nil {
		return err
	}
	_, err = r.tasks().ResizePty(ctx, &tasksapi.ResizePtyRequest{ContainerID: id, Height: uint32(rows), Width: uint32(cols)})
	return told(id, "resizing the terminal of", err)
}

// Processes implements engine.Containers.
func (r *Runtime) Processes(ctx context.Context, a account.Ref, id string) ([]int, error) {
	if _, _, err := r.running(ctx, a, id); err != nil {
		return nil, err
	}
	return r.pidsOf(keyOf(a, id))
}
