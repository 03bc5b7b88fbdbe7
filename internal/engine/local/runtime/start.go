package runtime

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/api/types"
	"github.com/containerd/containerd/api/types/runc/options"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/typeurl/v2"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/logfile"
	"github.com/hypercloud/hyper/internal/failpoint"
)

// StartContainer implements engine.Containers.
func (r *Runtime) StartContainer(ctx context.Context, a account.Ref, spec engine.RunSpec, onCreated func(context.Context, int) error) (started engine.Started, err error) {
	if err := a.Check(); err != nil {
		return started, err
	}
	// Half a start is worse than one that nobody waits for.
	ctx = scope(context.WithoutCancel(ctx), a)
	k := keyOf(a, spec.ID)
	defer func() {
		if err != nil {
			_ = r.DeleteTask(ctx, a, spec.ID)
			r.dropHub(k)
		}
	}()
	if spec.Mounts, err = withFiles(spec.Mounts); err != nil {
		return started, err
	}
	begin := time.Now()
	mounts, err := r.rootfs(ctx, a, spec.ID, spec.Ephemeral)
	if err != nil {
		return started, err
	}
	oci, err := r.spec(a, spec, mounts)
	if err != nil {
		return started, err
	}
	r.Trace("start.spec", begin)
	begin = time.Now()
	if err := r.record(ctx, a, spec.ID, oci); err != nil {
		return started, err
	}
	r.Trace("start.record", begin)
	p, err := makePipes(r.ioDir(k), spec.OpenStdin, spec.Tty)
	if err != nil {
		return started, err
	}
	if err := r.clearNotes(k); err != nil {
		return started, err
	}
	h, err := r.connect(ctx, k, p, spec.Log)
	if err != nil {
		return started, err
	}
	begin = time.Now()
	done := r.turn(a.ID())
	r.Trace("start.turn", begin)
	begin = time.Now()
	created, err := r.tasks().Create(ctx, &tasksapi.CreateTaskRequest{
		ContainerID: spec.ID, Rootfs: wire(mounts), Terminal: spec.Tty, Stdin: p.stdin, Stdout: p.stdout, Stderr: p.stderr,
	})
	done()
	if err != nil {
		return started, startError(spec, errgrpc.ToNative(err))
	}
	r.Trace("start.task-create", begin)
	failpoint.Hit("start.after-task-create")
	h.read()
	pid := int(created.GetPid())
	r.mu.Lock()
	r.live[k] = &process{pid: pid, spec: oci}
	r.mu.Unlock()
	if onCreated != nil {
		if err := onCreated(ctx, pid); err != nil {
			return started, err
		}
	}
	failpoint.Hit("start.after-network")
	begin = time.Now()
	done = r.turn(a.ID())
	_, err = r.tasks().Start(ctx, &tasksapi.StartRequest{ContainerID: spec.ID})
	done()
	if err != nil {
		return started, startError(spec, errgrpc.ToNative(err))
	}
	r.Trace("start.task-start", begin)
	close(h.running)
	failpoint.Hit("start.after-task-start")
	return engine.Started{Pid: pid, Boot: r.startedBoot(k)}, nil
}

// record tells containerd of the container. It holds no snapshot and no image: those are held by labels and names of
// their own.
func (r *Runtime) record(ctx context.Context, a account.Ref, id string, oci *specs.Spec) error {
	spec, err := typeurl.MarshalAny(oci)
	if err != nil {
		return fmt.Errorf("writing the specification: %w", err)
	}
	opts, err := typeurl.MarshalAny(&options.Options{
		BinaryName: filepath.Join(r.Libexec, "runc"), Root: r.runcRoot(), IoUid: a.HostID(), IoGid: a.HostID(),
		ShimCgroup: r.shimGroup(a),
	})
	if err != nil {
		return fmt.Errorf("writing the runtime's options: %w", err)
	}
	c := containers.Container{
		ID: id, Spec: spec, Runtime: containers.RuntimeInfo{Name: filepath.Join(r.Libexec, "containerd-shim-hyper-v2"), Options: opts},
	}
	_, err = r.records().Create(ctx, c)
	if errdefs.IsAlreadyExists(err) { // of an attempt that was cut off, or of an earlier run
		if err := r.clearTask(ctx, keyOf(a, id)); err != nil {
			return err
		}
		_, err = r.records().Create(ctx, c)
	}
	if err != nil {
		return fmt.Errorf("recording the container: %w", err)
	}
	return nil
}

// runcRoot is where runc keeps its state, by account.
func (r *Runtime) runcRoot() string { return filepath.Join(r.RunDir, "runc") }

// connect opens a process's pipes and its log.
func (r *Runtime) connect(ctx context.Context, k key, p pipes, lc engine.LogConfig) (*hub, error) {
	log, err := logfile.Open(r.logDir(k), lc.MaxFiles, lc.MaxSize)
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	stdin := newInput(p.stdin, func() {
		_, _ = r.tasks().CloseIO(ctx, &tasksapi.CloseIORequest{ContainerID: k.id, Stdin: true})
	})
	h := r.hub(k)
	if err := h.open(p, r.logDir(k), log, stdin); err != nil {
		_ = log.Close()
		return nil, fmt.Errorf("opening the container's streams: %w", err)
	}
	return h, nil
}

// wire writes mounts as containerd's calls carry them.
func wire(mounts []mount.Mount) []*types.Mount {
	out := make([]*types.Mount, 0, len(mounts))
	for _, m := range mounts {
		out = append(out, &types.Mount{Type: m.Type, Source: m.Source, Target: m.Target, Options: m.Options})
	}
	return out
}
