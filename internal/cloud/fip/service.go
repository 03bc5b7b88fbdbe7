// Package fip holds the rules of floating IPs: public addresses that an account holds and moves
// between its containers.
//
// An address comes from the operator's pool (Pool), is given when no other host has it (Vetted), belongs to one account from Allocate to Release, and is attached to
// at most one container; it stays attached while the container stops and starts, and is free again when the container is
// removed. Attach wants a container that runs. One that asks for an address when it is made gets it with the making: see Reserve. The row in the store is what is intended; the account's
// network is brought to match it afterwards, and if that fails the row is put back.
//
// Wherever an address is expected its name does as well. Names cannot look like addresses.
package fip

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/store"
)

// Config is what a Service is made of.
type Config struct {
	Store   *store.Store
	Network *network.Service
	// Pool is where addresses come from. Lower addresses go first.
	Pool Pool
	// Wire tells who else has an address before it is given; nil: nobody is asked.
	Wire   Wire
	Events *event.Bus
	Log    *slog.Logger
	// MaxPerContainer is how many addresses a container may have. Default 1, which is all that networks carry today.
	MaxPerContainer int
	// Spending says whether what costs may be begun; nil: it always may.
	Spending quota.Spending
}

// Service carries out the rules of floating IPs.
type Service struct {
	Config
	vetting vetting
	// giving is held by Allocate from the search for free addresses until they are taken.
	giving sync.Mutex
}

// New returns a Service. The Config must be valid.
func New(c Config) *Service {
	if c.MaxPerContainer == 0 {
		c.MaxPerContainer = 1
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Events == nil {
		c.Events = event.NewBus()
	}
	return &Service{Config: c, vetting: vetting{clear: map[netip.Addr]time.Time{}, held: map[netip.Addr]finding{}}}
}

func (s *Service) publish(a account.Ref, action string, addr netip.Addr, container string) {
	s.Events.Publish(a, event.Event{
		Type: "fip", Action: action, ID: addr.String(), Attributes: map[string]string{"container": container},
	})
}
