// Package container holds the rules of containers: what may be asked for, the states that a
// container goes through, and what happens when its process ends.
//
// A container belongs to one account. Its row is in the store from the moment it is intended
// (phase creating) until everything of it is gone (phase removing, then no row). Its states are
// created, running, paused, restarting and exited; "starting" is the intent that precedes running.
//
// Two locks guard a container. The operation lock (ops) is held by start, stop, restart, rename
// and remove, one at a time. The run lock (entry.mu) is held by start from before the process
// exists until it is recorded, and by the handling of an exit, so that an exit is never handled
// before its start is known. Reads take neither: they look at the store's view.
package container

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moby/locker"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/fip"
	"github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

// Engine is what containers need of a machine.
type Engine interface {
	engine.Containers
	engine.Files
	engine.Volumes
	engine.Networks
}

// Config is what a Service is made of.
type Config struct {
	Store   *store.Store
	Engine  Engine
	Images  *image.Service
	Volumes *volume.Service
	Network *network.Service
	FIPs    *fip.Service
	Events  *event.Bus
	Log     *slog.Logger
	// DataRoot is where files that are bound into containers live (hosts, hostname, resolv.conf).
	DataRoot string
	// Spending says whether what costs may be begun; nil: it always may.
	Spending quota.Spending
	// RestartAfter is how long a container must have run for its restart policy to act. Default 10 s
	// (behaviour 2.5).
	RestartAfter time.Duration
	// Log bounds of a container. Default 10 files of 5 MB (behaviour 14).
	LogConfig engine.LogConfig
	// Trace, if set, is told how long each part of a start took.
	Trace func(name string, start time.Time)
}

// Service carries out the rules of containers.
type Service struct {
	Config
	mu      sync.Mutex
	entries map[string]*entry // by container id
	execs   execs
	volumes locker.Locker // one attaches or detaches a volume at a time
	stop    context.CancelFunc
	base    context.Context
}

// entry is what is known of a container beyond its row.
type entry struct {
	ops     sync.Mutex // one lifecycle operation at a time
	mu      sync.Mutex // start until recorded; handling of an exit
	exited  chan struct{}
	began   time.Duration // before the process that runs was started, since the machine's boot; 0: it was adopted
	waiters []*waiter
	health  atomic.Pointer[healthMonitor]
	pending atomic.Pointer[context.CancelFunc] // of a restart that is to come
	backoff time.Duration
}

// New returns a Service. Recover must be called before it serves.
func New(c Config) *Service {
	if c.RestartAfter == 0 {
		c.RestartAfter = 10 * time.Second
	}
	if c.LogConfig.MaxFiles == 0 {
		c.LogConfig = engine.LogConfig{MaxFiles: 10, MaxSize: 5 << 20}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Trace == nil {
		c.Trace = func(string, time.Time) {}
	}
	s := &Service{Config: c, entries: map[string]*entry{}}
	s.base, s.stop = context.WithCancel(context.Background())
	s.execs.byID = map[string]*execRecord{}
	return s
}

// Close stops what the service does by itself (health checks, pending restarts). Containers keep running.
func (s *Service) Close() { s.stop() }

func (s *Service) entry(id string) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[id]
	if e == nil {
		e = &entry{}
		s.entries[id] = e
	}
	return e
}

// cancelRestart ends the wait for a restart, if there is one.
func (e *entry) cancelRestart() {
	if cancel := e.pending.Swap(nil); cancel != nil {
		(*cancel)()
	}
}

// lock finds a container and takes its operation lock. The row is read again under the lock.
func (s *Service) lock(a account.Ref, ref string) (*Container, *entry, error) {
	c, err := s.Get(a, ref)
	if err != nil {
		return nil, nil, err
	}
	e := s.entry(c.ID)
	e.ops.Lock()
	now, ok := s.Store.View(a).Container(c.ID)
	if !ok || now.Phase != store.Ready {
		e.ops.Unlock()
		return nil, nil, notFound(ref)
	}
	return now, e, nil
}

// Get finds a container by name, id or unique id prefix.
func (s *Service) Get(a account.Ref, ref string) (*Container, error) {
	c, err := s.Store.View(a).FindContainer(ref)
	if err != nil {
		return nil, err
	}
	if c.Phase != store.Ready {
		return nil, notFound(ref)
	}
	return c, nil
}

// modify changes a container's row in a transaction and returns the new row.
func (s *Service) modify(ctx context.Context, a account.Ref, id string, fn func(c *Container)) (*Container, error) {
	return s.change(ctx, a, id, func(_ *store.Tx, c *Container) { fn(c) })
}

// change is modify for what has more to say to the transaction.
func (s *Service) change(ctx context.Context, a account.Ref, id string, fn func(tx *store.Tx, c *Container)) (*Container, error) {
	var out Container
	err := s.Store.Update(context.WithoutCancel(ctx), a, func(tx *store.Tx) error {
		c, ok := tx.Container(id)
		if !ok {
			return notFound(id)
		}
		out = *c
		fn(tx, &out)
		return tx.PutContainer(out)
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

func (s *Service) dir(a account.Ref, id string) string {
	return filepath.Join(s.DataRoot, "containers", a.ID(), id)
}
