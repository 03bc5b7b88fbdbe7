// Package image holds the rules of images: how a reference is read, what a pull tells, which names an
// image has, and when it may go.
//
// An image belongs to one account, even where its bytes are shared with others on disk. Its row is in
// the store from the moment that the engine has all of it until it is removed; the engine's copy is older than the
// row and outlives it for an instant, so that no container is ever created from an image that is not
// there. What a death in between leaves on the machine is removed by the engine at the next start, since
// the store does not name it.
//
// An image is known by its id (the digest of its config) and by any number of names: repository and tag, or
// repository and digest. Moving the last tag to another image leaves the former one dangling: it stays until it
// is removed or pruned. Containers, running or not, hold their image: it cannot go before them.
package image

import (
	"context"
	"log/slog"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/fetch"
	"github.com/hypercloud/hyper/internal/store"
)

// Config is what a Service is made of.
type Config struct {
	Store  *store.Store
	Engine Engine
	Events *event.Bus
	Log    *slog.Logger
	// MaxSize is the largest image, in bytes of its unpacked layers. Default 10 GiB (behaviour 16).
	MaxSize int64
	// AtOnce is how many pulls of one account go on at a time; others wait for their turn. Default 3.
	AtOnce int64
	// Fetch gets archives from URLs. Nil asks public addresses only.
	Fetch Fetcher
	// SpoolDir is where root file systems are kept while they are imported; "": where the system keeps temporary files.
	SpoolDir string
	// Spending says whether what costs may be begun; nil: it always may.
	Spending quota.Spending
}

const (
	defaultMaxSize = 10 << 30
	defaultAtOnce  = 3
)

// Service carries out the rules of images.
type Service struct {
	Config
	mu       sync.Mutex
	accounts map[string]*shelf // by account id
	base     context.Context   // of pulls, which outlive the requests that began them
	stop     context.CancelFunc
	pulling  sync.WaitGroup
}

// shelf guards what one account does to its images.
type shelf struct {
	// mu is held while an image enters or leaves store and engine.
	mu    sync.Mutex
	pulls map[pullKey]*pull
	// lost tells each pull under way which images left the engine since it began.
	lost map[*pull]map[string]bool
	// turns are held while an image is fetched and unpacked.
	turns *semaphore.Weighted
	// loading holds who loads an archive: one at a time, since each may fill a good part of the machine's disk.
	loading chan struct{}
	// importing holds who imports a root file system, which is kept as a whole before it is loaded.
	importing chan struct{}
}

// New returns a Service.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Events == nil {
		c.Events = event.NewBus()
	}
	if c.MaxSize == 0 {
		c.MaxSize = defaultMaxSize
	}
	if c.AtOnce == 0 {
		c.AtOnce = defaultAtOnce
	}
	if c.Fetch == nil {
		c.Fetch = fetch.New(fetch.Config{})
	}
	s := &Service{Config: c, accounts: map[string]*shelf{}}
	s.base, s.stop = context.WithCancel(context.Background())
	return s
}

// Close interrupts the pulls that are under way and waits for them to end. A later pull resumes from their bytes.
func (s *Service) Close() {
	s.stop()
	s.pulling.Wait()
}

func (s *Service) shelf(a account.Ref) *shelf {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.accounts[a.ID()]
	if sh == nil {
		sh = &shelf{
			pulls: map[pullKey]*pull{}, lost: map[*pull]map[string]bool{}, turns: semaphore.NewWeighted(s.AtOnce), loading: make(chan struct{}, 1),
			importing: make(chan struct{}, 1),
		}
		s.accounts[a.ID()] = sh
	}
	return sh
}

func (s *Service) publish(a account.Ref, action, id, name string) {
	s.Events.Publish(a, event.Event{Type: "image", Action: action, ID: id, Attributes: map[string]string{"name": name}})
}
