// Package volume holds the rules of volumes: disks of 10 to 50 GB that outlive containers.
//
// A volume has a name that is unique in its account, and an id of its own that the engine knows it by, so
// that a volume which takes up the name of a removed one never meets the other's data. It is attached to at most
// one container, from that container's creation to its removal (behaviour 4.3).
//
// Its row is written as Creating before the disk is made, Ready when it is there, and Removing before the disk
// is destroyed. What is found at start in another phase than Ready is undone or finished by Recover. A
// disk is destroyed only while its row says Creating (nobody has ever written to it) or Removing (its owner said so).
//
// A volume that was never used can be filled once from a source: a file or a repository elsewhere, or files that the client sends (fill.go,
// upload.go). Its row says Filling from then on, and no container gets it. The content is made ready beside the volume's own disk, then
// the row says that it is whole, then it takes the disk's place, and then the row says where it came from. Whoever dies before the second of these leaves the volume as it was;
// after it, the rest is done by Recover.
package volume

import (
	"log/slog"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

// Driver is what the API calls the kind of every volume.
const Driver = "hyper"

// Sizes of volumes, in GB of 1024^3 bytes (behaviour 4.1).
const (
	DefaultSizeGB = 10
	sizeStepGB    = 10
	defaultMaxGB  = 50
)

// Config is what a Service is made of.
type Config struct {
	Store  *store.Store
	Engine Engine
	Events *event.Bus
	Log    *slog.Logger
	// Fetch gets files from addresses that tenants name; nil: volumes are not filled from such.
	Fetch Fetcher
	// FillTime bounds the filling of a volume, and the time that a client has for its uploads. Default 30 minutes.
	FillTime time.Duration
	// MaxSizeGB is the largest volume. Default 50.
	MaxSizeGB int
	// Spending says whether what costs may be begun; nil: it always may.
	Spending quota.Spending
}

// Engine is what the rules of volumes need from a machine.
type Engine interface {
	engine.Volumes
	engine.Filler
}

// Service carries out the rules of volumes.
type Service struct {
	Config
	fills *fills
}

// New returns a Service. Recover must be called for every account before it serves.
func New(c Config) *Service {
	if c.MaxSizeGB == 0 {
		c.MaxSizeGB = defaultMaxGB
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Events == nil {
		c.Events = event.NewBus()
	}
	if c.FillTime == 0 {
		c.FillTime = defaultFillTime
	}
	return &Service{Config: c, fills: newFills()}
}

func (s *Service) publish(a account.Ref, action, name string) {
	s.Events.Publish(a, event.Event{Type: "volume", Action: action, ID: name, Attributes: map[string]string{"driver": Driver}})
}
