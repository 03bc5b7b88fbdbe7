package container

import (
	"context"
	"syscall"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// defaultGrace is the time between the stop signal and SIGKILL.
const defaultGrace = 10 * time.Second

// StopOptions say how a container is stopped, where that is not as the container itself says.
type StopOptions struct {
	Signal  string // "": the container's own stop signal
	Timeout *int   // seconds until SIGKILL, negative: without end; nil: the container's own
}

// signal is the one that a container is stopped by.
func (o StopOptions) signal(c *Container) (syscall.Signal, error) {
	if o.Signal == "" {
		return stopSignal(c), nil
	}
	return parseSignal(o.Signal)
}

// Stop ends a container's process: a signal, a grace, SIGKILL.
func (s *Service) Stop(ctx context.Context, a account.Ref, ref string, opts StopOptions) error {
	c, e, err := s.lock(a, ref)
	if err != nil {
		return err
	}
	defer e.ops.Unlock()
	if _, err := opts.signal(c); err != nil {
		return err
	}
	if c.State.Status == store.StatusRestarting {
		return s.giveUp(ctx, a, c, e)
	}
	if !c.State.Status.Live() {
		return oops.NotModified("container %s is not running", c.Name)
	}
	return s.stopLive(ctx, a, c, e, opts)
}

// giveUp ends a pending restart.
func (s *Service) giveUp(ctx context.Context, a account.Ref, c *Container, e *entry) error {
	e.cancelRestart()
	_, err := s.modify(ctx, a, c.ID, func(c *Container) {
		c.State.Status = store.StatusExited
		c.State.UserStopped = true
	})
	e.mu.Lock()
	defer e.mu.Unlock()
	e.wake(WaitNotRunning, c.State.ExitCode)
	return err
}

func (s *Service) stopLive(ctx context.Context, a account.Ref, c *Container, e *entry, opts StopOptions) error {
	sig, err := opts.signal(c)
	if err != nil {
		return err
	}
	grace := defaultGrace
	if c.Spec.StopTimeout != nil {
		grace = time.Duration(*c.Spec.StopTimeout) * time.Second
	}
	if opts.Timeout != nil {
		grace = time.Duration(*opts.Timeout) * time.Second
	}
	ctx = context.WithoutCancel(ctx)
	c, err = s.modify(ctx, a, c.ID, func(c *Container) { c.State.UserStopped = true })
	if err != nil {
		return err
	}
	failpoint.Hit("container.stop.after-intent")
	e.mu.Lock()
	exited := e.exited
	e.mu.Unlock()
	if exited == nil {
		return nil
	}
	if c.State.Status == store.StatusPaused {
		if err := s.Engine.Unpause(ctx, a, c.ID); err != nil && !errdefs.IsNotFound(err) {
			return err
		}
	}
	if grace != 0 {
		if err := s.Engine.Signal(ctx, a, c.ID, int(sig)); err != nil && !errdefs.IsNotFound(err) {
			return err
		}
		s.publish(a, c, "kill", map[string]string{"signal": sigText(sig)})
		if grace < 0 {
			<-exited
		}
		if waitFor(exited, grace) {
			s.stopped(a, c)
			return nil
		}
	}
	if err := s.Engine.Signal(ctx, a, c.ID, int(syscall.SIGKILL)); err != nil && !errdefs.IsNotFound(err) {
		return err
	}
	s.publish(a, c, "kill", map[string]string{"signal": sigText(syscall.SIGKILL)})
	if !waitFor(exited, 20*time.Second) {
		return oops.Unavailable("container %s did not end 20 s after SIGKILL", c.Name)
	}
	s.stopped(a, c)
	return nil
}

func (s *Service) stopped(a account.Ref, c *Container) {
	failpoint.Hit("container.stop.after-exit")
	s.publish(a, c, "stop", nil)
}

func waitFor(ch <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(max(d, 0))
	defer t.Stop()
	select {
	case <-ch:
		return true
	case <-t.C:
		return false
	}
}

// Restart stops a container if it runs, and starts it.
func (s *Service) Restart(ctx context.Context, a account.Ref, ref string, opts StopOptions) error {
	c, e, err := s.lock(a, ref)
	if err != nil {
		return err
	}
	defer e.ops.Unlock()
	if _, err := opts.signal(c); err != nil {
		return err
	}
	// A budget that is spent must not end what runs: it is asked about before the stop.
	if err := quota.Afford(ctx, s.Spending, a); err != nil {
		return err
	}
	if c.State.Status.Live() {
		if err := s.stopLive(ctx, a, c, e, opts); err != nil {
			return err
		}
	}
	c, err = s.Get(a, c.ID)
	if err != nil {
		return err // it was to be removed at its exit
	}
	e.backoff = 0
	if err := s.start(context.WithoutCancel(ctx), a, c, e, false); err != nil {
		return err
	}
	s.publish(a, c, "restart", nil)
	return nil
}

// Kill sends a signal to a container's process; "" is KILL.
func (s *Service) Kill(ctx context.Context, a account.Ref, ref, signal string) error {
	c, err := s.Get(a, ref)
	if err != nil {
		return err
	}
	sig := syscall.SIGKILL
	if signal != "" {
		if sig, err = parseSignal(signal); err != nil {
			return err
		}
	}
	if !c.State.Status.Live() {
		return oops.Conflict("cannot kill container: %s: container %s is not running", ref, c.ID)
	}
	e := s.entry(c.ID)
	if sig == syscall.SIGKILL || sig == stopSignal(c) {
		if c, err = s.modify(ctx, a, c.ID, func(c *Container) { c.State.UserStopped = true }); err != nil {
			return err
		}
	}
	e.mu.Lock()
	exited := e.exited
	e.mu.Unlock()
	if sig == syscall.SIGKILL && c.State.Status == store.StatusPaused {
		if err := s.Engine.Unpause(ctx, a, c.ID); err != nil {
			return err
		}
	}
	if err := s.Engine.Signal(ctx, a, c.ID, int(sig)); err != nil && !errdefs.IsNotFound(err) {
		return err
	}
	s.publish(a, c, "kill", map[string]string{"signal": sigText(sig)})
	if sig == syscall.SIGKILL && exited != nil {
		waitFor(exited, 10*time.Second)
	}
	return nil
}
