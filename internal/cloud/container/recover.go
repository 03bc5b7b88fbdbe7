package container

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/store"
)

// Keep lists what of an account is meant to be on the machine. A container that is being made or removed is not. A volume or
// snapshot is kept as long as there is a word of it: Recover of their packages destroys those that were being removed, and data is
// destroyed by nobody else.
func Keep(view *store.View, a account.Ref) engine.Keep {
	k := engine.Keep{Account: a}
	for _, c := range view.Containers() {
		if c.Phase == store.Ready {
			k.Containers = append(k.Containers, c.ID)
		}
	}
	for _, v := range view.Volumes() {
		k.Volumes = append(k.Volumes, v.ID)
	}
	for _, s := range view.Snapshots() {
		k.Snapshots = append(k.Snapshots, s.ID)
	}
	for _, i := range view.Images() {
		k.Images = append(k.Images, i.ID)
	}
	return k
}

// Recover brings rows and machine together after a start of hyperd: what was half made is undone, what was half
// removed is finished, what runs is adopted, and what ended meanwhile is recorded and, if its policy says
// so, started again. It must come before any request is served, and after the engine's Reap.
func (s *Service) Recover(ctx context.Context) error {
	events, err := s.Engine.TaskEvents(s.base)
	if err != nil {
		return fmt.Errorf("listening to task events: %w", err)
	}
	var start []func()
	for _, acc := range s.Store.Accounts() {
		again, err := s.recoverAccount(ctx, acc.Ref)
		if err != nil {
			return fmt.Errorf("account %s: %w", acc.Name, err)
		}
		start = append(start, again...)
	}
	go s.watch(s.base, events)
	go func() {
		for _, f := range start {
			f()
		}
	}()
	return nil
}

func (s *Service) recoverAccount(ctx context.Context, a account.Ref) (again []func(), err error) {
	view := s.Store.View(a)
	for _, c := range view.Containers() {
		if c.Phase == store.Ready {
			continue
		}
		var discard []string
		for _, v := range view.VolumesOf(c.ID) {
			// An automatic volume that holds nothing yet was made for this very container.
			if v.Phase != store.Ready || c.Phase == store.Creating && v.Auto && !v.Written {
				discard = append(discard, v.ID)
			}
		}
		// What cannot be removed now stays half removed, and is one account's trouble: all others are served.
		if err := s.erase(ctx, a, c, discard); err != nil {
			s.Log.Error("finishing the removal of a container", "account", a, "container", c.ID, "error", err)
		}
	}
	s.removeStrayFiles(a)
	s.bringUp(ctx, a)
	tasks, err := s.Engine.Tasks(ctx, a)
	if err != nil {
		return nil, fmt.Errorf("listing tasks: %w", err)
	}
	byID := map[string]engine.Task{}
	for _, t := range tasks {
		byID[t.ContainerID] = t
	}
	// Oldest first, so that link targets come before those that link to them.
	rows := s.Store.View(a).Containers()
	slices.Reverse(rows)
	for _, c := range rows {
		t, ok := byID[c.ID]
		if f := s.recoverContainer(ctx, a, c, t, ok); f != nil {
			again = append(again, f)
		}
	}
	s.bringUp(ctx, a) // names stand for what runs
	return again, nil
}

// bringUp makes the account's router what its rows say. An account whose router cannot be made has what it had before, and hears of it
// at its next start; the others do not suffer for it.
func (s *Service) bringUp(ctx context.Context, a account.Ref) {
	if len(s.Store.View(a).Containers()) == 0 {
		return
	}
	if err := s.Network.Apply(ctx, a); err != nil {
		s.Log.Error("bringing up an account's network", "account", a, "error", err)
	}
}

// recoverContainer adopts a container's process, or records its end. It returns what starts it again.
func (s *Service) recoverContainer(ctx context.Context, a account.Ref, c *Container, t engine.Task, found bool) func() {
	e := s.entry(c.ID)
	wasUp := c.State.Status.Live() || c.State.Status == store.StatusStarting
	if found && t.Running {
		if err := s.Engine.Adopt(ctx, a, c.ID, s.LogConfig); err != nil {
			s.Log.Error("adopting a container", "container", c.ID, "error", err)
		}
		// A hyperd that ended between a change of its networks and the machine's left it half done.
		if err := s.Engine.AttachEndpoints(ctx, a, c.ID, t.Pid); err != nil {
			s.Log.Error("connecting an adopted container to its networks", "container", c.ID, "error", err)
		}
		e.exited = make(chan struct{})
		now, err := s.change(ctx, a, c.ID, func(tx *store.Tx, c *Container) {
			if !c.State.Status.Live() {
				c.State.StartedAt = time.Now().UTC()
				if t.StartedBoot > 0 {
					began := s.Store.AtBoot(t.StartedBoot)
					tx.Began(c.ID, began)
					c.State.StartedAt = c.State.StartedAt.Add(began.Sub(s.Store.Now()))
				}
			}
			c.State.Status, c.State.Pid = store.StatusRunning, t.Pid
			if t.Paused {
				c.State.Status = store.StatusPaused
			}
		})
		if err != nil {
			s.Log.Error("recording an adopted container", "container", c.ID, "error", err)
			return nil
		}
		s.startHealth(a, now, e)
		return nil
	}
	if found && !t.Created && wasUp {
		// What it wrote last is still in its pipes.
		if err := s.Engine.Adopt(ctx, a, c.ID, s.LogConfig); err != nil {
			s.Log.Warn("reading the last output of a container", "container", c.ID, "error", err)
		}
	}
	letGo := func() {
		if found {
			if err := s.Engine.DeleteTask(ctx, a, c.ID); err != nil {
				s.Log.Error("deleting a task", "container", c.ID, "error", err)
			}
		}
		s.release(ctx, a, c)
	}
	// Of one that left nothing, all that is known is that it ran when hyperd was last there.
	code, at, ended := 255, time.Now(), s.Store.Seen()
	if found && !t.Created {
		code = t.ExitCode
		if !t.ExitedAt.IsZero() {
			at = t.ExitedAt
		}
		ended = s.moment(t.EndedBoot, at)
	}
	status := c.State.Status
	switch {
	case status == store.StatusStarting && (!found || t.Created):
		// The start never happened: it is undone.
		status = store.StatusCreated
		if !c.State.FinishedAt.IsZero() {
			status = store.StatusExited
		}
		code, at = c.State.ExitCode, c.State.FinishedAt
	case wasUp:
		status = store.StatusExited
	case status == store.StatusRestarting:
		code, at = c.State.ExitCode, c.State.FinishedAt
		status = store.StatusExited
	case status == store.StatusExited && c.Spec.AutoRemove:
		letGo()
		return func() { s.autoRemove(a, c.ID) }
	default:
		letGo()
		return nil
	}
	restart := !c.State.UserStopped && wanted(c, code) && status == store.StatusExited
	now, err := s.change(ctx, a, c.ID, func(tx *store.Tx, c *Container) {
		if wasUp && c.State.Status == store.StatusStarting && t.StartedBoot > 0 {
			tx.Began(c.ID, s.Store.AtBoot(t.StartedBoot))
		}
		if wasUp {
			tx.Ended(c.ID, ended)
		}
		c.State.Status, c.State.Pid, c.State.ExitCode, c.State.FinishedAt = status, 0, code, at.UTC()
		if restart {
			c.State.Status = store.StatusRestarting
		}
	})
	if err != nil {
		s.Log.Error("recording the end of a container", "container", c.ID, "error", err)
		return nil
	}
	failpoint.Hit("container.recover.after-record")
	letGo() // once the task is gone nobody else knows how the process ended
	if now.Spec.AutoRemove && status == store.StatusExited {
		return func() { s.autoRemove(a, c.ID) }
	}
	if !restart {
		return nil
	}
	return func() { s.restartNow(s.base, a, c.ID) }
}

// RemoveFiles removes the directory of an account that has no container any more.
func (s *Service) RemoveFiles(a account.Ref) error {
	return os.RemoveAll(filepath.Join(s.DataRoot, "containers", a.ID()))
}

// removeStrayFiles removes the directories of containers that are no more.
func (s *Service) removeStrayFiles(a account.Ref) {
	root := filepath.Join(s.DataRoot, "containers", a.ID())
	entries, err := os.ReadDir(root)
	if err != nil {
		return
	}
	view := s.Store.View(a)
	for _, d := range entries {
		if _, ok := view.Container(d.Name()); !ok {
			_ = os.RemoveAll(filepath.Join(root, d.Name()))
		}
	}
}
