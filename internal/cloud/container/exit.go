package container

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/store"
)

// watch handles what the machine reports, until ctx is done.
func (s *Service) watch(ctx context.Context, events <-chan engine.TaskEvent) {
	for {
		select {
		case <-ctx.Done():
			return
		case ev, ok := <-events:
			if !ok {
				if ctx.Err() == nil {
					s.Log.Error("the stream of task events ended")
				}
				return
			}
			for _, acc := range s.Store.Accounts() {
				if acc.Ref.ID() != ev.Account {
					continue
				}
				switch ev.Kind {
				case engine.TaskOOM:
					s.oom(acc.Ref, ev.ContainerID)
				case engine.TaskExited:
					go s.onExit(ctx, acc.Ref, ev)
				}
			}
		}
	}
}

func (s *Service) oom(a account.Ref, id string) {
	e := s.entry(id)
	go func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		c, err := s.modify(s.base, a, id, func(c *Container) { c.State.OOMKilled = true })
		if err == nil {
			s.publish(a, c, "oom", nil)
		}
	}()
}

// onExit records that a container's process ended, lets go of what it used, and does what its restart
// policy says.
func (s *Service) onExit(ctx context.Context, a account.Ref, ev engine.TaskEvent) {
	id, code, at := ev.ContainerID, ev.ExitCode, ev.Time
	e := s.entry(id)
	e.mu.Lock()
	defer e.mu.Unlock()
	row, ok := s.Store.View(a).Container(id)
	if !ok || !row.State.Status.Live() {
		return // removed meanwhile, or a start that failed
	}
	if ev.Boot > 0 && ev.Boot < e.began {
		return // of a process before this one, whose end was recorded when hyperd started
	}
	ctx = context.WithoutCancel(ctx)
	if m := e.health.Swap(nil); m != nil {
		m.stop()
	}
	if at.IsZero() {
		at = time.Now()
	}
	wait, again := s.restartIn(e, row, code, at)
	// The record comes first: once the task is gone nobody else knows how the process ended.
	c, err := s.change(ctx, a, id, func(tx *store.Tx, c *Container) {
		tx.Ended(id, s.moment(ev.Boot, at))
		c.State.Status = store.StatusExited
		if again {
			c.State.Status = store.StatusRestarting
		}
		c.State.Pid, c.State.ExitCode, c.State.FinishedAt = 0, code, at.UTC()
	})
	if err != nil {
		s.Log.Error("recording an exit", "container", id, "error", err)
		return
	}
	failpoint.Hit("container.exit.after-record")
	if err := s.Engine.DeleteTask(ctx, a, id); err != nil {
		s.Log.Error("deleting a task", "container", id, "error", err)
	}
	s.release(ctx, a, row)
	// Told of before those who wait for it, whose own events come after.
	s.publish(a, c, "die", map[string]string{"exitCode": strconv.Itoa(code)})
	s.publishPlaces(a, c, false)
	if e.exited != nil {
		close(e.exited)
		e.exited = nil
	}
	e.wake(WaitNextExit, code)
	if again {
		s.restartAfter(a, c, e, wait)
		return
	}
	e.wake(WaitNotRunning, code)
	if c.Spec.AutoRemove {
		go s.autoRemove(a, id)
		return
	}
	s.unname(ctx, a, c)
}

// moment is the ledger's time of something that the machine reports with the time since its boot, if that is known, and what its clock showed.
func (s *Service) moment(boot time.Duration, shown time.Time) time.Time {
	if boot > 0 {
		return s.Store.AtBoot(boot)
	}
	return s.Store.AtWall(shown)
}

// unname lets the names that a container which ended, or did not start, has in common with others stand for those alone.
func (s *Service) unname(ctx context.Context, a account.Ref, c *Container) {
	aliases := slices.ContainsFunc(c.Endpoints, func(e store.Endpoint) bool { return len(e.Aliases) > 0 })
	if !aliases && c.Spec.Hostname == shortID(c.ID) {
		return
	}
	if err := s.Network.Apply(ctx, a); err != nil {
		s.Log.Error("applying the network after a container ended", "container", c.ID, "error", err)
	}
}

// autoRemove removes a container that was to go when it ended. One that somebody has restarted meanwhile runs, and goes when that ends.
func (s *Service) autoRemove(a account.Ref, id string) {
	if _, err := s.Remove(s.base, a, id, RemoveOptions{Force: true, Volumes: true, ended: true}); err != nil {
		s.Log.Error("removing a container after its exit", "container", id, "error", err)
	}
}

// restartIn says whether and when the restart policy wants the container back.
func (s *Service) restartIn(e *entry, c *Container, code int, at time.Time) (time.Duration, bool) {
	if c.State.UserStopped || at.Sub(c.State.StartedAt) <= s.RestartAfter {
		return 0, false
	}
	if !wanted(c, code) {
		return 0, false
	}
	if e.backoff == 0 {
		e.backoff = 100 * time.Millisecond
	} else {
		e.backoff = min(2*e.backoff, time.Minute)
	}
	return e.backoff, true
}

// wanted reports whether a policy restarts a container that ended by itself with this code.
func wanted(c *Container, code int) bool {
	switch p := c.Spec.Restart; p.Name {
	case "always", "unless-stopped":
		return true
	case "on-failure":
		return code != 0 && (p.MaxRetries == 0 || c.State.RestartCount < p.MaxRetries)
	}
	return false
}

func (s *Service) restartAfter(a account.Ref, c *Container, e *entry, wait time.Duration) {
	ctx, cancel := context.WithCancel(s.base)
	e.pending.Store(&cancel)
	go func() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		s.restartNow(ctx, a, c.ID)
	}()
}

func (s *Service) restartNow(ctx context.Context, a account.Ref, id string) {
	c, e, err := s.lock(a, id)
	if err != nil {
		return
	}
	defer e.ops.Unlock()
	if ctx.Err() != nil || c.State.Status != store.StatusRestarting {
		return
	}
	c, err = s.modify(ctx, a, id, func(c *Container) { c.State.RestartCount++ })
	if err != nil {
		return
	}
	if err := s.start(context.WithoutCancel(ctx), a, c, e, true); err != nil {
		s.Log.Warn("a restart failed", "container", id, "error", err)
		e.mu.Lock()
		e.wake(WaitNotRunning, c.State.ExitCode)
		e.mu.Unlock()
	}
}
