// Package compose holds the rules of compose projects: sets of containers that one file describes, brought up, stopped and
// taken down together (behaviour 12, api 15).
//
// A client parses the file; here arrive services, volumes and credentials of registries. What was asked for last is kept in the
// store (store.Project), so that start, stop, kill, rm and down need no file. The containers of a project are ordinary
// containers of the account, found by their labels sh.hyper.compose.*; nothing else says that they belong to a project. The
// original client's own commands (ps, run, scale) find and make containers by the same labels.
//
// The definition is written before anything is made, and each container's intent before the container: a hyperd that dies in
// the middle of an up leaves some of the containers, each whole, and the same up repeated makes the rest. All that can be known to
// be wrong with a request is said before the first step. Commands of one project wait for one another; once begun, one is carried to
// its end whether or not its client stays.
//
// A container is replaced when the image or the description of its service has changed, or a container that it links to was
// replaced: the old one is stopped and renamed to <name>-<12 digits of its id>, the new one made with its volumes, and the old one
// removed. A container of such a name beside one of its number is what an interrupted replacement left, and is removed by the next up.
package compose

import (
	"context"
	"log/slog"
	"sync"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/cloud/fip"
	"github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/store"
)

// Config is what a Service is made of.
type Config struct {
	Store      *store.Store
	Containers *container.Service
	Images     *image.Service
	Volumes    *volume.Service
	FIPs       *fip.Service
	Log        *slog.Logger
	// Spending says whether what costs may be begun; nil: it always may.
	Spending quota.Spending
}

// Service carries out the rules of compose projects.
type Service struct {
	Config
	mu    sync.Mutex
	turns map[turnKey]*turn
}

type turnKey struct{ account, project string }

// turn is held by the one command of a project that is under way.
type turn struct {
	token chan struct{}
	users int
}

// New returns a Service.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Service{Config: c, turns: map[turnKey]*turn{}}
}

// take waits for the project's turn. leave must be called once.
func (s *Service) take(ctx context.Context, a account.Ref, project string) (leave func(), err error) {
	key := turnKey{a.ID(), project}
	s.mu.Lock()
	t := s.turns[key]
	if t == nil {
		t = &turn{token: make(chan struct{}, 1)}
		s.turns[key] = t
	}
	t.users++
	s.mu.Unlock()
	forget := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(s.turns, key)
		}
	}
	select {
	case t.token <- struct{}{}:
		return func() { <-t.token; forget() }, nil
	case <-ctx.Done():
		forget()
		return nil, ctx.Err()
	}
}
