package runtime

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/containerd/containerd/api/types/runc/options"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/logfile"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
)

// streams is a cio.IO whose pipes are the hub's business.
type streams struct{ cfg cio.Config }

func (s streams) Config() cio.Config { return s.cfg }
func (streams) Cancel()              {}
func (streams) Wait()                {}
func (streams) Close() error         { return nil }

// StartContainer implements engine.Containers.
func (r *Runtime) StartContainer(ctx context.Context, a account.Ref, spec engine.RunSpec, onCreated func(context.Context, int) error) (pid int, err error) {
	if err := a.Check(); err != nil {
		return 0, err
	}
	// What an attempt that died has left is in the way.
	sctx := scope(ctx, a)
	if _, err := r.Client.ContainerService().Get(sctx, spec.ID); err == nil {
		if err := r.DeleteTask(ctx, a, spec.ID); err != nil {
			return 0, err
		}
	} else if !errdefs.IsNotFound(err) {
		return 0, err
	}
	defer func() {
		if err != nil {
			_ = r.DeleteTask(context.WithoutCancel(ctx), a, spec.ID)
		}
	}()
	begin := time.Now()
	oci, err := r.spec(sctx, a, spec)
	if err != nil {
		return 0, err
	}
	c, err := r.Client.NewContainer(sctx, spec.ID,
		containerd.WithRuntime(filepath.Join(r.Libexec, "containerd-shim-runc-v2"), &options.Options{
			BinaryName: filepath.Join(r.Libexec, "runc"), Root: filepath.Join(r.RunDir, "runc"), IoUid: a.HostID(), IoGid: a.HostID(),
		}),
		containerd.WithSpec(oci),
		func(_ context.Context, _ *containerd.Client, c *containers.Container) error {
			c.Snapshotter, c.SnapshotKey = "", "" // the snapshot is held by its own label, and removed by its own word
			return nil
		})
	if err != nil {
		return 0, fmt.Errorf("recording the container: %w", err)
	}
	r.Trace("start.container", begin)
	mounts, err := r.Client.SnapshotService(snapshotter).Mounts(sctx, snapshotKey(spec.ID))
	if err != nil {
		return 0, fmt.Errorf("finding the root file system: %w", err)
	}
	begin = time.Now()
	cfg, err := r.connect(a, spec.ID, spec.OpenStdin, spec.Tty, spec.Log)
	if err != nil {
		return 0, fmt.Errorf("making the container's pipes: %w", err)
	}
	task, err := c.NewTask(sctx, func(string) (cio.IO, error) { return streams{cfg}, nil }, containerd.WithRootFS(mounts))
	if err != nil {
		return 0, commandError(spec.Args, err)
	}
	r.Trace("start.task-create", begin)
	r.mu.Lock()
	r.live[spec.ID] = &process{container: c, task: task, spec: oci}
	r.mu.Unlock()
	failpoint.Hit("start.after-task-create")
	if onCreated != nil {
		if err := onCreated(ctx, int(task.Pid())); err != nil {
			return 0, fmt.Errorf("connecting the container's network: %w", err)
		}
	}
	failpoint.Hit("start.after-network")
	begin = time.Now()
	if err := task.Start(sctx); err != nil {
		return 0, commandError(spec.Args, err)
	}
	if spec.Tty && spec.ConsoleSize != [2]uint16{} {
		_ = task.Resize(sctx, uint32(spec.ConsoleSize[1]), uint32(spec.ConsoleSize[0]))
	}
	r.Trace("start.task-start", begin)
	failpoint.Hit("start.after-task-start")
	return int(task.Pid()), nil
}

// connect makes a container's pipes, opens its log and begins to copy.
func (r *Runtime) connect(a account.Ref, id string, stdin, terminal bool, lc engine.LogConfig) (cio.Config, error) {
	cfg, err := pipes(r.ioDir(a.ID(), id), stdin, terminal, "stdin", "stdout", "stderr")
	if err != nil {
		return cfg, err
	}
	log, err := logfile.Open(r.logDir(a.ID(), id), lc.MaxFiles, lc.MaxSize)
	if err != nil {
		return cfg, err
	}
	if err := r.hub(id).open(cfg, log); err != nil {
		_ = log.Close()
		return cfg, err
	}
	return cfg, nil
}

// Adopt implements engine.Containers.
func (r *Runtime) Adopt(ctx context.Context, a account.Ref, id string, lc engine.LogConfig) error {
	if _, _, err := r.running(ctx, a, id); err != nil {
		return err
	}
	dir := r.ioDir(a.ID(), id)
	there := func(name string) bool { _, err := os.Stat(filepath.Join(dir, name)); return err == nil }
	if !there("stdout") {
		return oops.NotFound("the pipes of container %s are gone", id)
	}
	_, err := r.connect(a, id, there("stdin"), !there("stderr"), lc)
	return err
}

// commandError turns runc's complaint about a command into a *engine.CommandError, and others into a sentence.
func commandError(args []string, err error) error {
	text := err.Error()
	reason := text
	if i := strings.Index(text, "exec: "); i >= 0 {
		reason = strings.TrimSuffix(text[i:], ": unknown")
	} else if i := strings.LastIndex(text, "unable to start container process: "); i >= 0 {
		reason = strings.TrimSuffix(text[i+len("unable to start container process: "):], ": unknown")
	}
	name := "the command"
	if len(args) > 0 {
		name = args[0]
	}
	if !strings.Contains(reason, name) {
		reason = fmt.Sprintf("exec: %q: %s", name, reason)
	}
	switch {
	case strings.Contains(text, "mount") && strings.Contains(text, "rootfs"):
		return oops.Invalid("a volume cannot be mounted: %s", strings.TrimSuffix(text[strings.LastIndex(text, "error mounting")+len("error "):], ": unknown"))
	case strings.Contains(text, "executable file not found"), strings.Contains(text, "exec") && strings.Contains(text, "no such file or directory"):
		return &engine.CommandError{Code: 127, Msg: reason}
	case strings.Contains(text, "permission denied"), strings.Contains(text, "exec format error"), strings.Contains(text, "is a directory"):
		return &engine.CommandError{Code: 126, Msg: reason}
	case strings.Contains(text, "no space left"):
		return oops.Exhausted("the container cannot be started: the machine's disk is full")
	}
	return fmt.Errorf("starting the process: %w", err)
}
