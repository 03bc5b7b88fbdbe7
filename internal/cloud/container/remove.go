package container

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Remove takes a container away. Volumes stay, but for the automatic ones when asked; each that stays
// is told of in a notice (cli 3.4).
func (s *Service) Remove(ctx context.Context, a account.Ref, ref string, opts RemoveOptions) ([]string, error) {
	c, e, err := s.lock(a, ref)
	if err != nil {
		return nil, err
	}
	defer e.ops.Unlock()
	ctx = context.WithoutCancel(ctx)
	if opts.ended && c.State.Status.Live() {
		return nil, nil
	}
	if c.Spec.Protection {
		return nil, oops.Conflict("container %s is protected from removal: switch that off by 'hyper update --protection=false %s'", c.Name, c.Name)
	}
	if c.State.Status.Live() {
		if !opts.Force {
			state := "running"
			if c.State.Status == store.StatusPaused {
				state = "paused"
			}
			return nil, oops.Conflict("Conflict, You cannot remove a %s container %s. Stop the container before attempting removal or force remove", state, c.ID)
		}
		if err := s.killLive(ctx, a, c, e); err != nil {
			return nil, err
		}
	}
	e.cancelRestart()
	e.mu.Lock()
	defer e.mu.Unlock()
	if now, ok := s.Store.View(a).Container(c.ID); ok {
		c = now // with the exit code of what was just ended
	}
	var discard, notices []string
	view := s.Store.View(a)
	for _, v := range view.VolumesOf(c.ID) {
		if opts.Volumes && len(view.SnapshotsOf(v.ID)) == 0 && heir(view, v) == "" && (v.Auto || v.Labels["autoremove"] == "true") {
			discard = append(discard, v.ID)
			continue
		}
		notices = append(notices, fmt.Sprintf("attached volume(%s) is not deleted", v.Name))
	}
	slices.Sort(notices)
	if err := s.erase(ctx, a, c, discard); err != nil {
		return nil, err
	}
	s.forget(c.ID)
	s.publish(a, c, "destroy", nil)
	for _, cond := range []WaitCondition{WaitNextExit, WaitNotRunning, WaitRemoved} {
		e.wake(cond, c.State.ExitCode)
	}
	return notices, nil
}

// killLive ends the process of a container that is about to be removed.
func (s *Service) killLive(ctx context.Context, a account.Ref, c *Container, e *entry) error {
	if _, err := s.modify(ctx, a, c.ID, func(c *Container) { c.State.UserStopped = true; c.Spec.AutoRemove = false }); err != nil {
		return err
	}
	e.mu.Lock()
	exited := e.exited
	e.mu.Unlock()
	if exited == nil {
		return nil
	}
	if c.State.Status == store.StatusPaused {
		_ = s.Engine.Unpause(ctx, a, c.ID)
	}
	if err := s.Engine.Signal(ctx, a, c.ID, int(syscall.SIGKILL)); err != nil && !errdefs.IsNotFound(err) {
		return err
	}
	s.publish(a, c, "kill", map[string]string{"signal": sigText(syscall.SIGKILL)})
	if !waitFor(exited, 20*time.Second) {
		return oops.Unavailable("container %s did not end 20 s after SIGKILL", c.Name)
	}
	return nil
}

func (s *Service) forget(id string) {
	s.mu.Lock()
	delete(s.entries, id)
	s.mu.Unlock()
	s.execs.forget(id)
}

// Prune removes the containers that do not run and match.
func (s *Service) Prune(ctx context.Context, a account.Ref, match func(*Container) bool) ([]string, error) {
	list, err := s.List(ctx, a, ListOptions{All: true})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, c := range list {
		if c.State.Status != store.StatusCreated && c.State.Status != store.StatusExited || c.Spec.Protection || !match(c) {
			continue
		}
		if _, err := s.Remove(ctx, a, c.ID, RemoveOptions{Volumes: false}); err != nil {
			return ids, err
		}
		ids = append(ids, c.ID)
	}
	return ids, nil
}
