package runtime

import (
	"context"
	"encoding/json"
	"fmt"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
)

// process is what is remembered of a task, so that containerd need not be asked.
type process struct {
	pid    int
	spec   *specs.Spec
	oom    bool // an OOM kill was told of; guarded by Runtime.mu
	exited bool // guarded by Runtime.mu
}

// running finds a container's process and gives a context in which to speak of it.
func (r *Runtime) running(ctx context.Context, a account.Ref, id string) (context.Context, *process, error) {
	if err := a.Check(); err != nil {
		return nil, nil, err
	}
	ctx = scope(ctx, a)
	k := keyOf(a, id)
	r.mu.Lock()
	p := r.live[k]
	r.mu.Unlock()
	if p != nil {
		return ctx, p, nil
	}
	reply, err := r.tasks().Get(ctx, &tasksapi.GetRequest{ContainerID: id})
	if err != nil {
		return nil, nil, gone(id, errgrpc.ToNative(err))
	}
	record, err := r.records().Get(ctx, id)
	if err != nil {
		return nil, nil, gone(id, err)
	}
	p = &process{pid: int(reply.GetProcess().GetPid()), spec: new(specs.Spec)}
	if err := json.Unmarshal(record.Spec.GetValue(), p.spec); err != nil || p.spec.Process == nil || p.spec.Linux == nil {
		return nil, nil, fmt.Errorf("the specification of container %s cannot be read: %w", id, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.live[k]; now != nil {
		return ctx, now, nil
	}
	r.live[k] = p
	return ctx, p, nil
}

// gone says in words of ours that there is no process, if that is what err says.
func gone(id string, err error) error {
	if errdefs.IsNotFound(err) {
		return oops.NotFound("container %s is not running", id)
	}
	return err
}

// told turns the answer of a call about a process into an error for the user.
func told(id, what string, err error) error {
	if err == nil {
		return nil
	}
	if err = errgrpc.ToNative(err); errdefs.IsNotFound(err) {
		return gone(id, err)
	}
	return fmt.Errorf("%s container %s: %w", what, id, err)
}

// forget drops what is remembered of a task.
func (r *Runtime) forget(k key) {
	r.mu.Lock()
	delete(r.live, k)
	r.mu.Unlock()
}
