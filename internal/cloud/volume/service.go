// Package volume holds the rules of volumes: disks of 10 to 50 GB that outlive containers.
//
// A volume has a name that is unique in its account, and an id of its own that the engine knows it by, so
// that a volume which takes up the name of a removed one never meets the other's data. It is attached to at most
// one container, from that container's creation to its removal (behaviour 4.3).
//
// Its row is written as Creating before the disk is made, Ready when it is there, and Removing before the disk
// is destroyed. What is found at start in another phase than Ready is undone or finished by Recover. A
// disk is destroyed only while its row says Creating (nobody has ever written to it) or Removing (its owner said so).
package volume

import (
	"log/slog"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
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
	Engine engine.Volumes
	Events *event.Bus
	Log    *slog.Logger
	// MaxSizeGB is the largest volume. Default 50.
	MaxSizeGB int
}

// Service carries out the rules of volumes.
type Service struct{ Config }

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
	return &Service{Config: c}
}

func (s *Service) publish(a account.Ref, action, name string) {
	s.Events.Publish(a, event.Event{Type: "volume", Action: action, ID: name, Attributes: map[string]string{"driver": Driver}})
}
