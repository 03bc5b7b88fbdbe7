package container

import (
	"context"
	"slices"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// WaitResult is how a wait ended.
type WaitResult struct {
	ExitCode int
	Err      error
}

type waiter struct {
	cond WaitCondition
	ch   chan WaitResult
}

// wake tells whoever waits for cond. The entry's run lock is held.
func (e *entry) wake(cond WaitCondition, code int) {
	e.waiters = slices.DeleteFunc(e.waiters, func(w *waiter) bool {
		if w.cond != cond {
			return false
		}
		w.ch <- WaitResult{ExitCode: code}
		return true
	})
}

// Wait returns at once a channel on which one result comes when the condition is met, or ctx is done.
func (s *Service) Wait(ctx context.Context, a account.Ref, ref string, cond WaitCondition) (<-chan WaitResult, error) {
	switch cond {
	case "":
		cond = WaitNotRunning
	case WaitNotRunning, WaitNextExit, WaitRemoved:
	default:
		return nil, oops.Invalid("invalid condition: %q", string(cond))
	}
	c, err := s.Get(a, ref)
	if err != nil {
		return nil, err
	}
	e := s.entry(c.ID)
	e.mu.Lock()
	defer e.mu.Unlock()
	w := &waiter{cond: cond, ch: make(chan WaitResult, 1)}
	row, ok := s.Store.View(a).Container(c.ID)
	if !ok {
		return nil, notFound(ref)
	}
	if cond == WaitNotRunning && !row.State.Status.Live() && row.State.Status != store.StatusRestarting {
		w.ch <- WaitResult{ExitCode: row.State.ExitCode}
		return w.ch, nil
	}
	e.waiters = append(e.waiters, w)
	context.AfterFunc(ctx, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if i := slices.Index(e.waiters, w); i >= 0 {
			e.waiters = slices.Delete(e.waiters, i, i+1)
			w.ch <- WaitResult{Err: ctx.Err()}
		}
	})
	return w.ch, nil
}
