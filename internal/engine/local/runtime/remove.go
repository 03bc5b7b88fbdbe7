package runtime

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	tasktypes "github.com/containerd/containerd/api/types/task"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"

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
	ctx = context.WithoutCancel(ctx)
	if err := r.snapshots().Remove(scope(ctx, a), snapshotKey(id)); err != nil && !errdefs.IsNotFound(err) {
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
	if err := r.deleteTask(ctx, id); err != nil {
		return fmt.Errorf("deleting the process: %w", err)
	}
	if err := r.records().Delete(ctx, id); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("deleting the container's record: %w", err)
	}
	r.forget(k)
	r.closeHub(k)
	return os.RemoveAll(r.ioDir(k))
}

// deleteTask removes a task, and kills it first if it lives.
func (r *Runtime) deleteTask(ctx context.Context, id string) error {
	request := &tasksapi.DeleteTaskRequest{ContainerID: id}
	_, err := r.tasks().Delete(ctx, request)
	if err = errgrpc.ToNative(err); err == nil || errdefs.IsNotFound(err) {
		return nil
	}
	reply, getErr := r.tasks().Get(ctx, &tasksapi.GetRequest{ContainerID: id})
	if getErr != nil {
		if errdefs.IsNotFound(errgrpc.ToNative(getErr)) {
			return nil
		}
		return err
	}
	switch reply.GetProcess().GetStatus() {
	case tasktypes.Status_STOPPED:
		return err // it is not for its life that it cannot be deleted
	case tasktypes.Status_PAUSED, tasktypes.Status_PAUSING:
		// A frozen process does not die.
		_, _ = r.tasks().Resume(ctx, &tasksapi.ResumeTaskRequest{ContainerID: id})
	}
	_, err = r.tasks().Kill(ctx, &tasksapi.KillRequest{ContainerID: id, Signal: uint32(syscall.SIGKILL), All: true})
	if err = errgrpc.ToNative(err); err != nil && !errdefs.IsNotFound(err) {
		return err
	}
	waitCtx, cancel := context.WithTimeout(ctx, killTime)
	defer cancel()
	if _, err := r.tasks().Wait(waitCtx, &tasksapi.WaitRequest{ContainerID: id}); err != nil && waitCtx.Err() != nil {
		return oops.Unavailable("container %s did not end within %v of SIGKILL", id, killTime)
	}
	_, err = r.tasks().Delete(ctx, request)
	if err = errgrpc.ToNative(err); errdefs.IsNotFound(err) {
		return nil
	}
	return err
}
