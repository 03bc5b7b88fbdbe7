// Package snapshot holds the rules of snapshots: what a volume held at a moment, kept under a name.
//
// A snapshot is taken of a volume whether a container has it or not; of one that a container has, only when that is
// insisted on (behaviour 5). It is whole by itself: volumes that are made of it, and the volume that it was taken of, go on
// without it. A volume is not removed while it has snapshots.
//
// Rows are written as those of volumes are: Creating before the copy is made, Ready when it is there, Removing before it is
// destroyed. Recover undoes or finishes what an earlier hyperd did not.
package snapshot

import (
	"log/slog"
	"sync"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

// Config is what a Service is made of.
type Config struct {
	Store  *store.Store
	Engine engine.Volumes
	Events *event.Bus
	Log    *slog.Logger
	// Now is the clock; nil: the machine's.
	Now func() time.Time
	// Spending says whether what costs may be begun; nil: it always may.
	Spending quota.Spending
}

// Service carries out the rules of snapshots.
type Service struct {
	Config
	quiet sync.Map // of complaints
	busy  sync.Map // ids of accounts whose schedules have their turn
}

func (s *Service) now() time.Time { return s.Now() }

// New returns a Service. Recover must be called for every account before it serves.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Events == nil {
		c.Events = event.NewBus()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{Config: c}
}

// publish tells what happens to a snapshot.
func (s *Service) publish(a account.Ref, action string, row *store.Snapshot) {
	attrs := map[string]string{"name": row.Name}
	if v, ok := s.Store.View(a).Volume(row.Volume); ok {
		attrs["volume"] = v.Name
	}
	s.Events.Publish(a, event.Event{Type: "snapshot", Action: action, ID: row.ID, Attributes: attrs})
}
