package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	tasktypes "github.com/containerd/containerd/api/types/task"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"golang.org/x/sync/errgroup"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
)

// drainTime is how long the end of the output is waited for once the process has ended. It comes at once, as no process
// outlives the first of its pid namespace.
const drainTime = 2 * time.Second

// killTime is how long a killed process may take to be gone. One that waits for a disk takes time.
const killTime = 20 * time.Second

// RemoveContainer implements engine.Containers.
func (r *Runtime) RemoveContainer(ctx context.Context, a account.Ref, id string) error {
	if err := r.DeleteTask(ctx, a, id); err != nil {
		return err
	}
	failpoint.Hit("remove.after-task")
	if err := r.removeRootfs(context.WithoutCancel(ctx), a, id); err != nil {
		return fmt.Errorf("removing the root file system: %w", err)
	}
	k := keyOf(a, id)
	r.dropHub(k)
	return os.RemoveAll(r.logDir(k))
}

// DeleteTask implements engine.Containers.
func (r *Runtime) DeleteTask(ctx context.Context, a account.Ref, id string) error {
	if err := a.Check(); err != nil {
		return err
	}
	k := keyOf(a, id)
	ctx = scope(context.WithoutCancel(ctx), a)
	if err := r.deleteTask(ctx, k); err != nil {
		return err
	}
	failpoint.Hit("delete.after-task")
	var g errgroup.Group
	g.Go(func() error {
		defer r.Trace("exit.disk", time.Now())
		return r.Disks.Detach(ctx, a, id)
	})
	return errors.Join(r.deleteRecord(ctx, k), g.Wait())
}

// clearTask removes what an earlier attempt to start left, but for the disk, which is attached for the next.
func (r *Runtime) clearTask(ctx context.Context, k key) error {
	if err := r.deleteTask(ctx, k); err != nil {
		return err
	}
	return r.deleteRecord(ctx, k)
}

// deleteRecord makes containerd and us forget a container whose task is gone.
func (r *Runtime) deleteRecord(ctx context.Context, k key) error {
	if err := r.records().Delete(ctx, k.id); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("deleting the container's record: %w", err)
	}
	r.forget(k)
	r.closeHub(k)
	return os.RemoveAll(r.ioDir(k))
}

// deleteTask removes a task, and kills it first if it lives. It must be dead: of one that was made and never started the
// shim would wait for output that does not end.
func (r *Runtime) deleteTask(ctx context.Context, k key) error {
	r.mu.Lock()
	p := r.live[k]
	dead := p != nil && p.exited
	r.mu.Unlock()
	if !dead {
		if err := r.kill(ctx, k.id); err != nil {
			return fmt.Errorf("deleting the process: %w", err)
		}
	}
	deadline := time.Now().Add(killTime)
	for {
		done := r.turn(k.account)
		_, err := r.tasks().Delete(ctx, &tasksapi.DeleteTaskRequest{ContainerID: k.id})
		done()
		if err = errgrpc.ToNative(err); err == nil || errdefs.IsNotFound(err) {
			return nil
		}
		// The shim has died, and containerd is about to clear up after it.
		if !strings.Contains(err.Error(), "ttrpc: closed") && !errdefs.IsUnavailable(err) || time.Now().After(deadline) {
			return fmt.Errorf("deleting the process: %w", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// kill ends a task's processes and waits for that.
func (r *Runtime) kill(ctx context.Context, id string) error {
	reply, err := r.tasks().Get(ctx, &tasksapi.GetRequest{ContainerID: id})
	if err = errgrpc.ToNative(err); errdefs.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	switch reply.GetProcess().GetStatus() {
	case tasktypes.Status_STOPPED:
		return nil
	case tasktypes.Status_PAUSED, tasktypes.Status_PAUSING:
		// A frozen process does not die.
		_, _ = r.tasks().Resume(ctx, &tasksapi.ResumeTaskRequest{ContainerID: id})
	case tasktypes.Status_UNKNOWN, tasktypes.Status_CREATED, tasktypes.Status_RUNNING:
	}
	_, err = r.tasks().Kill(ctx, &tasksapi.KillRequest{ContainerID: id, Signal: uint32(syscall.SIGKILL), All: true})
	if err = errgrpc.ToNative(err); err != nil {
		if errdefs.IsNotFound(err) {
			return nil // it ended meanwhile
		}
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, killTime)
	defer cancel()
	if _, err := r.tasks().Wait(ctx, &tasksapi.WaitRequest{ContainerID: id}); err != nil && ctx.Err() != nil {
		return oops.Unavailable("container %s did not end within %v of SIGKILL", id, killTime)
	}
	return nil
}
