package runtime

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	eventtypes "github.com/containerd/containerd/api/events"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
	"github.com/containerd/typeurl/v2"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// Tasks implements engine.Containers.
func (r *Runtime) Tasks(ctx context.Context, a account.Ref) ([]engine.Task, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	ctx = scope(ctx, a)
	list, err := r.Client.Containers(ctx)
	if err != nil {
		return nil, err
	}
	var out []engine.Task
	for _, c := range list {
		t := engine.Task{ContainerID: c.ID()}
		p, err := r.find(ctx, c.ID())
		if err != nil {
			return nil, err
		}
		if p.task == nil {
			t.Created = true // a record whose process was never made, or is gone without a word
			out = append(out, t)
			continue
		}
		st, err := p.task.Status(ctx)
		if err != nil {
			return nil, err
		}
		switch st.Status {
		case containerd.Running:
			t.Running, t.Pid = true, int(p.task.Pid())
		case containerd.Paused, containerd.Pausing:
			t.Running, t.Paused, t.Pid = true, true, int(p.task.Pid())
		case containerd.Created:
			t.Created = true
		default:
			t.ExitCode, t.ExitedAt = int(st.ExitStatus), st.ExitTime
		}
		out = append(out, t)
	}
	return out, nil
}

// TaskEvents implements engine.Containers.
func (r *Runtime) TaskEvents(ctx context.Context) (<-chan engine.TaskEvent, error) {
	in, errs := r.Client.EventService().Subscribe(ctx, `topic=="/tasks/exit"`, `topic=="/tasks/oom"`)
	out := make(chan engine.TaskEvent, 256)
	send := func(e engine.TaskEvent) {
		select {
		case out <- e:
		case <-ctx.Done():
		}
	}
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-errs:
				return
			case env := <-in:
				if env == nil {
					return
				}
				v, err := typeurl.UnmarshalAny(env.Event)
				if err != nil {
					continue
				}
				switch e := v.(type) {
				case *eventtypes.TaskExit:
					if e.ID != e.ContainerID {
						continue
					}
					ev := engine.TaskEvent{Account: env.Namespace, ContainerID: e.ContainerID, Kind: engine.TaskExited, ExitCode: int(e.ExitStatus), Time: e.ExitedAt.AsTime()}
					go func() {
						r.drain(ev.ContainerID, 2*time.Second)
						send(ev)
					}()
				case *eventtypes.TaskOOM:
					send(engine.TaskEvent{Account: env.Namespace, ContainerID: e.ContainerID, Kind: engine.TaskOOM, Time: env.Timestamp})
				}
			}
		}
	}()
	return out, nil
}

// Signal implements engine.Containers.
func (r *Runtime) Signal(ctx context.Context, a account.Ref, id string, sig int) error {
	ctx, p, err := r.running(ctx, a, id)
	if err != nil {
		return err
	}
	return p.task.Kill(ctx, syscall.Signal(sig))
}

// Pause implements engine.Containers.
func (r *Runtime) Pause(ctx context.Context, a account.Ref, id string) error {
	ctx, p, err := r.running(ctx, a, id)
	if err != nil {
		return err
	}
	return p.task.Pause(ctx)
}

// Unpause implements engine.Containers.
func (r *Runtime) Unpause(ctx context.Context, a account.Ref, id string) error {
	ctx, p, err := r.running(ctx, a, id)
	if err != nil {
		return err
	}
	return p.task.Resume(ctx)
}

// Resize implements engine.Containers.
func (r *Runtime) Resize(ctx context.Context, a account.Ref, id string, rows, cols uint16) error {
	ctx, p, err := r.running(ctx, a, id)
	if err != nil {
		return err
	}
	return p.task.Resize(ctx, uint32(cols), uint32(rows))
}

// Processes implements engine.Containers.
func (r *Runtime) Processes(ctx context.Context, a account.Ref, id string) ([]int, error) {
	ctx, p, err := r.running(ctx, a, id)
	if err != nil {
		return nil, err
	}
	list, err := p.task.Pids(ctx)
	if err != nil {
		return nil, err
	}
	var out []int
	for _, x := range list {
		out = append(out, int(x.Pid))
	}
	return out, nil
}

func (r *Runtime) closeStdin(ctx context.Context, a account.Ref, id string) {
	ctx, p, err := r.running(context.WithoutCancel(ctx), a, id)
	if err == nil {
		_ = p.task.CloseIO(ctx, containerd.WithStdinCloser)
	}
}

// Reap removes what no account is meant to have.
func (r *Runtime) Reap(ctx context.Context, keep []engine.Keep) error {
	all, err := r.Client.NamespaceService().List(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, ns := range all {
		a, slotErr := accountOf(ns, keep)
		if slotErr != nil {
			errs = append(errs, slotErr)
			continue
		}
		var kept []string
		for _, k := range keep {
			if k.Account.ID() == ns {
				kept = k.Containers
			}
		}
		ctx := namespaces.WithNamespace(ctx, ns)
		list, err := r.Client.Containers(ctx)
		errs = append(errs, err)
		for _, c := range list {
			if !slices.Contains(kept, c.ID()) {
				errs = append(errs, r.RemoveContainer(ctx, a, c.ID()))
			}
		}
		sn := r.Client.SnapshotService(snapshotter)
		var stray []string
		err = sn.Walk(ctx, func(_ context.Context, info snapshots.Info) error {
			if id, ok := strings.CutPrefix(info.Name, "hyper-"); ok && !slices.Contains(kept, id) {
				stray = append(stray, info.Name)
			}
			return nil
		})
		errs = append(errs, err)
		for _, key := range stray {
			if err := sn.Remove(ctx, key); err != nil && !errdefs.IsNotFound(err) {
				errs = append(errs, err)
			}
		}
		for _, root := range []string{filepath.Join(r.RunDir, "io", ns), filepath.Join(r.DataRoot, "logs", ns)} {
			entries, _ := os.ReadDir(root)
			for _, d := range entries {
				if !slices.Contains(kept, d.Name()) {
					errs = append(errs, os.RemoveAll(filepath.Join(root, d.Name())))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// accountOf names the account of a containerd namespace. The slot of one that is not kept any more does not matter: it is
// only used to remove.
func accountOf(ns string, keep []engine.Keep) (account.Ref, error) {
	for _, k := range keep {
		if k.Account.ID() == ns {
			return k.Account, nil
		}
	}
	a, err := account.New(ns, 0)
	if err != nil {
		return a, oops.Invalid("containerd has a namespace %q which is no account's", ns)
	}
	return a, nil
}
