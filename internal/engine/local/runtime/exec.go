package runtime

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/errdefs"
	"github.com/containerd/fifo"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// Exec implements engine.Containers.
func (r *Runtime) Exec(ctx context.Context, a account.Ref, id string, spec engine.ExecSpec, s engine.Streams, onStart func(int)) (int, error) {
	sctx, p, err := r.running(ctx, a, id)
	if err != nil {
		return -1, err
	}
	// The process goes on when its client goes away; only the streams are let go.
	sctx = context.WithoutCancel(sctx)
	ps := *p.spec.Process
	ps.Args, ps.Terminal, ps.ConsoleSize = spec.Args, spec.Tty, nil
	ps.Env = append(append([]string{}, p.spec.Process.Env...), spec.Env...)
	if spec.Tty && spec.ConsoleSize != [2]uint16{} {
		ps.ConsoleSize = &specs.Box{Height: uint(spec.ConsoleSize[0]), Width: uint(spec.ConsoleSize[1])}
	}
	if spec.WorkingDir != "" {
		if !strings.HasPrefix(spec.WorkingDir, "/") {
			return -1, oops.Invalid("the working directory '%s' is invalid, it needs to be an absolute path", spec.WorkingDir)
		}
		ps.Cwd = filepath.Clean(spec.WorkingDir)
	}
	if spec.User != "" {
		if ps.User, err = lookup(fmt.Sprintf("/proc/%d/root", p.task.Pid()), spec.User, nil); err != nil {
			return -1, err
		}
	}
	dir := filepath.Join(r.ioDir(a.ID(), id), "exec-"+spec.ID)
	cfg, err := pipes(dir, s.Stdin != nil, spec.Tty, "stdin", "stdout", "stderr")
	if err != nil {
		return -1, fmt.Errorf("making the exec's pipes: %w", err)
	}
	defer os.RemoveAll(dir)
	ioCtx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var copies sync.WaitGroup
	in, err := r.execStreams(ioCtx, ctx, cfg, s, &copies)
	if err != nil {
		return -1, err
	}
	proc, err := p.task.Exec(sctx, spec.ID, &ps, func(string) (cio.IO, error) { return streams{cfg}, nil })
	if err != nil {
		return -1, execError(spec.Args, err)
	}
	defer func() {
		r.mu.Lock()
		delete(r.execs, spec.ID)
		r.mu.Unlock()
		_, _ = proc.Delete(sctx, containerd.WithProcessKill)
	}()
	exit, err := proc.Wait(sctx)
	if err != nil {
		return -1, err
	}
	if err := proc.Start(sctx); err != nil {
		return -1, execError(spec.Args, err)
	}
	r.mu.Lock()
	r.execs[spec.ID] = proc
	r.mu.Unlock()
	onStart(int(proc.Pid()))
	if in != nil {
		go func() {
			_, _ = io.Copy(in, s.Stdin)
			if ctx.Err() == nil {
				_ = in.Close()
				_ = proc.CloseIO(sctx, containerd.WithStdinCloser)
			}
		}()
	}
	var st containerd.ExitStatus
	select {
	case st = <-exit:
	case <-ctx.Done():
		// The client has gone: wait without its streams.
		st = <-exit
	}
	done := make(chan struct{})
	go func() { copies.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(2 * time.Second): // a child of it holds the pipes
	case <-ctx.Done():
	}
	if st.Error() != nil {
		return -1, st.Error()
	}
	return int(st.ExitCode()), nil
}

// execStreams begins to copy an exec's output to its client, and opens its input.
func (r *Runtime) execStreams(ioCtx, client context.Context, cfg cio.Config, s engine.Streams, copies *sync.WaitGroup) (in io.WriteCloser, err error) {
	for _, o := range []struct {
		path string
		to   io.Writer
	}{{cfg.Stdout, s.Stdout}, {cfg.Stderr, s.Stderr}} {
		if o.path == "" {
			continue
		}
		f, err := fifo.OpenFifo(ioCtx, o.path, syscall.O_RDONLY|syscall.O_NONBLOCK, 0o600)
		if err != nil {
			return nil, err
		}
		copies.Go(func() {
			defer f.Close()
			buf := make([]byte, 32<<10)
			for {
				n, err := f.Read(buf)
				if n > 0 && o.to != nil && client.Err() == nil {
					_, _ = o.to.Write(buf[:n])
				}
				if err != nil {
					return
				}
			}
		})
	}
	if cfg.Stdin == "" {
		return nil, nil
	}
	return fifo.OpenFifo(ioCtx, cfg.Stdin, syscall.O_WRONLY|syscall.O_NONBLOCK, 0o600)
}

// execError says why a further process could not be run, in the words that the original's clients look for.
func execError(args []string, err error) error {
	name := strings.Join(args[:min(1, len(args))], "")
	text := err.Error()
	switch {
	case strings.Contains(text, "executable file not found"), strings.Contains(text, "no such file or directory"):
		return &engine.CommandError{Code: 127, Msg: fmt.Sprintf("exec failed: No such file or directory: exec: %q: executable file not found in $PATH", name)}
	case strings.Contains(text, "permission denied"), strings.Contains(text, "exec format error"), strings.Contains(text, "is a directory"):
		return &engine.CommandError{Code: 126, Msg: fmt.Sprintf("exec failed: exec: %q: permission denied", name)}
	}
	return fmt.Errorf("exec failed: %w", err)
}

// ExecResize implements engine.Containers.
func (r *Runtime) ExecResize(ctx context.Context, a account.Ref, id, execID string, rows, cols uint16) error {
	ctx, _, err := r.running(ctx, a, id)
	if err != nil {
		return err
	}
	r.mu.Lock()
	p := r.execs[execID]
	r.mu.Unlock()
	if p == nil {
		return oops.NotFound("No such exec instance: %s", execID)
	}
	if err := p.Resize(ctx, uint32(cols), uint32(rows)); err != nil && !errdefs.IsNotFound(err) {
		return err
	}
	return nil
}
