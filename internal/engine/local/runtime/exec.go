package runtime

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/typeurl/v2"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

var execIDPattern = regexp.MustCompile(`^[0-9a-f]{1,64}$`)

// Exec implements engine.Containers. When ctx ends the client is let go of; the process goes on, and so does Exec.
func (r *Runtime) Exec(ctx context.Context, a account.Ref, id string, spec engine.ExecSpec, s engine.Streams, onStart func(int)) (int, error) {
	tctx, p, err := r.running(context.WithoutCancel(ctx), a, id)
	if err != nil {
		return -1, err
	}
	if !execIDPattern.MatchString(spec.ID) || len(spec.Args) == 0 {
		return -1, oops.Invalid("an exec needs an id and a command")
	}
	ps, err := execProcess(p, spec)
	if err != nil {
		return -1, err
	}
	e := execution{r: r, account: a.ID(), id: id, execID: spec.ID, dir: filepath.Join(r.ioDir(keyOf(a, id)), execPrefix+spec.ID)}
	defer func() { go e.clear(tctx) }() // nobody waits for that
	pp, err := makePipes(e.dir, s.Stdin != nil, spec.Tty)
	if err != nil {
		return -1, err
	}
	out, err := newExecOutput(ctx, s, pp)
	if err != nil {
		return -1, err
	}
	defer out.close()
	if err := e.start(tctx, ps, pp); err != nil {
		return -1, err
	}
	out.read()
	if onStart != nil {
		onStart(e.pid)
	}
	if pp.stdin != "" {
		stdin := newInput(pp.stdin, func() {
			_, _ = r.tasks().CloseIO(tctx, &tasksapi.CloseIORequest{ContainerID: id, ExecID: spec.ID, Stdin: true})
		})
		defer stdin.close()
		go stdin.feed(ctx, s.Stdin, true)
	}
	begin := time.Now()
	code, err := e.wait(tctx)
	if err != nil {
		return -1, err
	}
	r.Trace("exec.wait", begin)
	out.settle(ctx)
	return code, nil
}

// execProcess is the container's own process with what the exec changes of it.
func execProcess(p *process, spec engine.ExecSpec) (*specs.Process, error) {
	ps := *p.spec.Process
	ps.Args, ps.Terminal, ps.ConsoleSize = spec.Args, spec.Tty, nil
	ps.Env = append(append([]string{}, ps.Env...), spec.Env...)
	if spec.Tty {
		ps.ConsoleSize = box(spec.ConsoleSize)
		if !hasEnv(ps.Env, "TERM") {
			ps.Env = append(ps.Env, "TERM=xterm")
		}
	}
	if spec.WorkingDir != "" {
		if !strings.HasPrefix(spec.WorkingDir, "/") {
			return nil, oops.Invalid("the working directory %q is invalid: it needs to be an absolute path", spec.WorkingDir)
		}
		ps.Cwd = path.Clean(spec.WorkingDir)
	}
	if spec.User != "" {
		u, err := lookup(fmt.Sprintf("/proc/%d/root", p.pid), spec.User, nil)
		if err != nil {
			return nil, err
		}
		ps.User = u
	}
	return &ps, nil
}

// box is the size of a terminal as runc is told it; nil if it is not set.
func box(size [2]uint16) *specs.Box {
	if size == [2]uint16{} {
		return nil
	}
	return &specs.Box{Height: uint(size[0]), Width: uint(size[1])}
}

func hasEnv(env []string, name string) bool {
	for _, kv := range env {
		if n, _, _ := strings.Cut(kv, "="); n == name {
			return true
		}
	}
	return false
}

// execution is a further process as the shim knows it.
type execution struct {
	r          *Runtime
	account    string
	id, execID string
	dir        string // of its pipes
	pid        int
	known      bool // to the shim
}

func (e *execution) start(ctx context.Context, ps *specs.Process, p pipes) error {
	spec, err := typeurl.MarshalAnyToProto(ps)
	if err != nil {
		return fmt.Errorf("writing the exec's specification: %w", err)
	}
	begin := time.Now()
	_, err = e.r.tasks().Exec(ctx, &tasksapi.ExecProcessRequest{
		ContainerID: e.id, ExecID: e.execID, Spec: spec, Terminal: p.terminal, Stdin: p.stdin, Stdout: p.stdout, Stderr: p.stderr,
	})
	if err != nil {
		if err = errgrpc.ToNative(err); errdefs.IsNotFound(err) {
			return gone(e.id, err)
		}
		return execError(err)
	}
	e.known = true
	e.r.Trace("exec.create", begin)
	begin = time.Now()
	done := e.r.turn(e.account)
	reply, err := e.r.tasks().Start(ctx, &tasksapi.StartRequest{ContainerID: e.id, ExecID: e.execID})
	done()
	if err != nil {
		return execError(errgrpc.ToNative(err))
	}
	e.r.Trace("exec.start", begin)
	e.pid = int(reply.GetPid())
	return nil
}

func (e *execution) wait(ctx context.Context) (int, error) {
	reply, err := e.r.tasks().Wait(ctx, &tasksapi.WaitRequest{ContainerID: e.id, ExecID: e.execID})
	if err == nil {
		return int(reply.GetExitStatus()), nil
	}
	if err = errgrpc.ToNative(err); errdefs.IsNotFound(err) || errdefs.IsUnavailable(err) {
		return 137, nil // the container ended, and took it along
	}
	return -1, fmt.Errorf("waiting for the exec: %w", err)
}

// clear removes what is left of the process.
func (e *execution) clear(ctx context.Context) {
	if e.known {
		defer e.r.turn(e.account)()
		_, _ = e.r.tasks().DeleteProcess(ctx, &tasksapi.DeleteProcessRequest{ContainerID: e.id, ExecID: e.execID})
	}
	_ = os.RemoveAll(e.dir)
}

// ExecResize implements engine.Containers.
func (r *Runtime) ExecResize(ctx context.Context, a account.Ref, id, execID string, rows, cols uint16) error {
	ctx, _, err := r.running(ctx, a, id)
	if err != nil {
		return err
	}
	_, err = r.tasks().ResizePty(ctx, &tasksapi.ResizePtyRequest{ContainerID: id, ExecID: execID, Height: uint32(rows), Width: uint32(cols)})
	if err = errgrpc.ToNative(err); errdefs.IsNotFound(err) {
		return oops.NotFound("No such exec instance: %s", execID)
	}
	return err
}
