package container

import (
	"context"
	"errors"
	"io"

	"github.com/moby/term"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// defaultDetachKeys are ctrl-p ctrl-q.
var defaultDetachKeys = []byte{16, 17}

// Attach connects a client to a container's streams and returns when they have ended, or the client
// typed the detach keys. It may come before the start.
func (s *Service) Attach(ctx context.Context, a account.Ref, ref string, opts AttachOptions) error {
	c, err := s.Get(a, ref)
	if err != nil {
		return err
	}
	if c.State.Status == store.StatusPaused {
		return oops.Conflict("container %s is paused, unpause the container before attach", c.Name)
	}
	if opts.Logs {
		err := s.Engine.Logs(ctx, a, c.ID, engine.LogOptions{Tail: -1, Stdout: opts.Stdout != nil, Stderr: opts.Stderr != nil}, func(e engine.LogEntry) error {
			w := opts.Stdout
			if e.Stream == "stderr" && !c.Spec.Tty {
				w = opts.Stderr
			}
			if w == nil {
				return nil
			}
			_, err := w.Write(e.Line)
			return err
		})
		if err != nil {
			return err
		}
	}
	if !opts.Stream {
		return nil
	}
	streams := engine.Streams{Stdout: opts.Stdout, Stderr: opts.Stderr}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	detached := false
	if opts.Stdin != nil && c.Spec.OpenStdin {
		streams.Stdin = opts.Stdin
		if c.Spec.Tty {
			keys, err := detachKeys(opts.DetachKeys)
			if err != nil {
				return err
			}
			streams.Stdin = &escapeReader{r: term.NewEscapeProxy(opts.Stdin, keys), escaped: func() {
				detached = true
				cancel()
			}}
		}
	}
	s.publish(a, c, "attach", nil)
	err = s.Engine.Attach(ctx, a, c.ID, streams, c.Spec.StdinOnce && !c.Spec.Tty)
	if detached {
		s.publish(a, c, "detach", nil)
		return nil
	}
	return err
}

func detachKeys(s string) ([]byte, error) {
	if s == "" {
		return defaultDetachKeys, nil
	}
	keys, err := term.ToBytes(s)
	if err != nil {
		return nil, oops.Invalid("invalid detach keys (%s) provided", s)
	}
	return keys, nil
}

// errDetached is no end of input: the container's stdin stays as it is.
var errDetached = errors.New("the client has detached")

// escapeReader ends the attachment when the detach keys are read. Until then it is the client's input.
type escapeReader struct {
	r       io.Reader
	escaped func()
}

func (e *escapeReader) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	var esc term.EscapeError
	if errors.As(err, &esc) {
		e.escaped()
		return 0, errDetached
	}
	return n, err
}

// Logs calls fn with what the container wrote.
func (s *Service) Logs(ctx context.Context, a account.Ref, ref string, opts engine.LogOptions, fn func(engine.LogEntry) error) error {
	c, err := s.Get(a, ref)
	if err != nil {
		return err
	}
	if opts.Follow && !c.State.Status.Live() && c.State.Status != store.StatusRestarting {
		opts.Follow = false
	}
	return s.Engine.Logs(ctx, a, c.ID, opts, fn)
}

// Resize sets the size of a container's terminal.
func (s *Service) Resize(ctx context.Context, a account.Ref, ref string, rows, cols uint16) error {
	c, err := s.running(a, ref)
	if err != nil {
		return err
	}
	return s.Engine.Resize(ctx, a, c.ID, rows, cols)
}

// running finds a container that must run.
func (s *Service) running(a account.Ref, ref string) (*Container, error) {
	c, err := s.Get(a, ref)
	if err != nil {
		return nil, err
	}
	if !c.State.Status.Live() {
		return nil, oops.Conflict("container %s is not running", c.ID)
	}
	return c, nil
}
