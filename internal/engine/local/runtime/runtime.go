// Package runtime runs containers' processes through containerd's shim and runc.
//
// A container's root file system is a snapshot, "hyper-<container id>", with a label that holds it, from
// CreateContainer to RemoveContainer. containerd's own container and task exist from StartContainer until
// DeleteTask; the specification is made afresh at each start. Every container has a user namespace: root
// inside is the account's first host id outside, and the image's layers and the volumes are id-mapped.
//
// Output goes through named pipes under RunDir. hyperd reads them, writes the log and serves whoever is attached; the
// shim holds them open, so that a hyperd that died can be followed by another which reads on.
package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/image-spec/identity"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
)

const snapshotter = "overlayfs"

// Config is what a Runtime is made of.
type Config struct {
	Client       *containerd.Client
	DataRoot     string
	RunDir       string
	Libexec      string // directory of runc, containerd-shim-runc-v2 and hyper-init
	CgroupParent string // such as /hyper
	Trace        func(name string, start time.Time)
}

// Runtime implements engine.Containers.
type Runtime struct {
	Config
	mu    sync.Mutex
	hubs  map[string]*hub
	live  map[string]*process
	execs map[string]containerd.Process
}

var _ engine.Containers = (*Runtime)(nil)

// process is a task with what is needed to run more in it.
type process struct {
	container containerd.Container
	task      containerd.Task
	spec      *specs.Spec
}

// New returns a Runtime.
func New(c Config) *Runtime {
	if c.Trace == nil {
		c.Trace = func(string, time.Time) {}
	}
	return &Runtime{Config: c, hubs: map[string]*hub{}, live: map[string]*process{}, execs: map[string]containerd.Process{}}
}

func scope(ctx context.Context, a account.Ref) context.Context {
	return namespaces.WithNamespace(ctx, a.ID())
}

func snapshotKey(id string) string { return "hyper-" + id }

func idmap(a account.Ref) string { return fmt.Sprintf("0:%d:%d", a.HostID(), account.IDCount) }

// CreateContainer implements engine.Containers.
func (r *Runtime) CreateContainer(ctx context.Context, a account.Ref, id, image string) error {
	if err := a.Check(); err != nil {
		return err
	}
	defer r.Trace("create.snapshot", time.Now())
	ctx = scope(ctx, a)
	img, err := r.Client.GetImage(ctx, image)
	if err != nil {
		return fmt.Errorf("finding the image: %w", err)
	}
	layers, err := img.RootFS(ctx)
	if err != nil {
		return fmt.Errorf("reading the image: %w", err)
	}
	_, err = r.Client.SnapshotService(snapshotter).Prepare(ctx, snapshotKey(id), identity.ChainID(layers).String(), snapshots.WithLabels(map[string]string{
		"containerd.io/gc.root":           time.Now().UTC().Format(time.RFC3339),
		snapshots.LabelSnapshotUIDMapping: idmap(a),
		snapshots.LabelSnapshotGIDMapping: idmap(a),
	}))
	if err != nil && !errdefs.IsAlreadyExists(err) {
		if strings.Contains(err.Error(), "no space left") {
			return oops.Exhausted("the container's root file system cannot be made: the machine's disk is full")
		}
		return fmt.Errorf("making the root file system: %w", err)
	}
	failpoint.Hit("create.after-snapshot")
	return nil
}

// RemoveContainer implements engine.Containers.
func (r *Runtime) RemoveContainer(ctx context.Context, a account.Ref, id string) error {
	if err := r.DeleteTask(ctx, a, id); err != nil {
		return err
	}
	failpoint.Hit("remove.after-task")
	ctx = scope(ctx, a)
	if err := r.Client.SnapshotService(snapshotter).Remove(ctx, snapshotKey(id)); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("removing the root file system: %w", err)
	}
	r.dropHub(id)
	return os.RemoveAll(r.logDir(a.ID(), id))
}

// DeleteTask implements engine.Containers.
func (r *Runtime) DeleteTask(ctx context.Context, a account.Ref, id string) error {
	if err := a.Check(); err != nil {
		return err
	}
	ctx = scope(ctx, a)
	p, err := r.find(ctx, id)
	if errdefs.IsNotFound(err) {
		r.forget(id)
		return os.RemoveAll(r.ioDir(a.ID(), id))
	}
	if err != nil {
		return err
	}
	if p.task != nil {
		if _, err := p.task.Delete(ctx, containerd.WithProcessKill); err != nil && !errdefs.IsNotFound(err) {
			return fmt.Errorf("deleting the process: %w", err)
		}
	}
	if err := p.container.Delete(ctx); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("deleting the container's record: %w", err)
	}
	r.drain(id, 2*time.Second)
	r.forget(id)
	return os.RemoveAll(r.ioDir(a.ID(), id))
}

func (r *Runtime) forget(id string) {
	r.mu.Lock()
	delete(r.live, id)
	r.mu.Unlock()
	r.closeHub(id)
}

// find returns a container's process; task is nil when containerd knows the container and no task.
func (r *Runtime) find(ctx context.Context, id string) (*process, error) {
	r.mu.Lock()
	p := r.live[id]
	r.mu.Unlock()
	if p != nil {
		return p, nil
	}
	c, err := r.Client.LoadContainer(ctx, id)
	if err != nil {
		return nil, err
	}
	p = &process{container: c}
	t, err := c.Task(ctx, nil)
	if errdefs.IsNotFound(err) {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	p.task = t
	if p.spec, err = c.Spec(ctx); err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.live[id] = p
	r.mu.Unlock()
	return p, nil
}

// running finds a container's task.
func (r *Runtime) running(ctx context.Context, a account.Ref, id string) (context.Context, *process, error) {
	if err := a.Check(); err != nil {
		return nil, nil, err
	}
	ctx = scope(ctx, a)
	p, err := r.find(ctx, id)
	if err == nil && p.task == nil {
		err = oops.NotFound("container %s has no process", id)
	}
	return ctx, p, err
}

// withRootfs mounts a container's root file system for as long as fn runs.
func (r *Runtime) withRootfs(ctx context.Context, id string, fn func(root string) error) error {
	mounts, err := r.Client.SnapshotService(snapshotter).Mounts(ctx, snapshotKey(id))
	if err != nil {
		return fmt.Errorf("finding the root file system: %w", err)
	}
	dir := filepath.Join(r.RunDir, "tmp")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	root, err := os.MkdirTemp(dir, "rootfs-")
	if err != nil {
		return err
	}
	defer os.Remove(root)
	if err := mount.All(mounts, root); err != nil {
		return fmt.Errorf("mounting the root file system: %w", err)
	}
	err = fn(root)
	return errors.Join(err, mount.UnmountAll(root, 0))
}

// RootfsUsage implements engine.Containers.
func (r *Runtime) RootfsUsage(ctx context.Context, a account.Ref, id string) (int64, error) {
	if err := a.Check(); err != nil {
		return 0, err
	}
	u, err := r.Client.SnapshotService(snapshotter).Usage(scope(ctx, a), snapshotKey(id))
	if err != nil {
		return 0, fmt.Errorf("measuring the root file system: %w", err)
	}
	return u.Size, nil
}
