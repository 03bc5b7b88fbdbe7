package network

import (
	"context"
	"fmt"
	"sync"

	"github.com/hypercloud/hyper/internal/account"
)

// queue is one account's turn-taking. A worker goroutine exists while there is something to do.
type queue struct {
	mu      sync.Mutex
	next    *round // the one that has not begun; nil: nobody asked
	working bool
}

// round is one application that serves everybody who asked before it began.
type round struct {
	done chan struct{}
	err  error
}

// Apply makes the account's router what the store says, and returns when an application that began after the
// call has ended. Callers at the same time share one. When ctx ends Apply returns, but the application goes on.
func (s *Service) Apply(ctx context.Context, a account.Ref) error {
	if err := a.Check(); err != nil {
		return err
	}
	r := s.enqueue(context.WithoutCancel(ctx), a)
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Service) enqueue(ctx context.Context, a account.Ref) *round {
	s.mu.Lock()
	q := s.queues[a.ID()]
	if q == nil {
		q = &queue{}
		s.queues[a.ID()] = q
	}
	s.mu.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.next == nil {
		q.next = &round{done: make(chan struct{})}
	}
	r := q.next
	if !q.working {
		q.working = true
		go s.work(ctx, a, q)
	}
	return r
}

// work carries out rounds until nobody has asked for another. It is stopped by nothing else: a
// round takes as long as the engine does.
func (s *Service) work(ctx context.Context, a account.Ref, q *queue) {
	for {
		q.mu.Lock()
		r := q.next
		q.next = nil
		if r == nil {
			q.working = false
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		r.err = s.apply(ctx, a)
		close(r.done)
	}
}

func (s *Service) apply(ctx context.Context, a account.Ref) error {
	if err := s.Engine.ApplyNetwork(ctx, a, State(s.Store.View(a))); err != nil {
		return fmt.Errorf("apply the network of the account: %w", err)
	}
	return nil
}
