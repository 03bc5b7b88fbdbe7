// Package fip holds the rules of floating IPs: public addresses that an account holds and moves
// between its containers.
//
// An address comes from the operator's pool, belongs to one account from Allocate to Release, and is attached to
// at most one container; it stays attached while the container stops and starts, and is free again when the container is
// removed. Attach wants a container that runs. One that asks for an address when it is made gets it with the making: see Reserve. The row in the store is what is intended; the account's
// network is brought to match it afterwards, and if that fails the row is put back.
//
// Wherever an address is expected its name does as well. Names cannot look like addresses.
package fip

import (
	"fmt"
	"log/slog"
	"net/netip"
	"sync"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/store"
)

// Config is what a Service is made of.
type Config struct {
	Store   *store.Store
	Network *network.Service
	// Pool is where addresses come from; see Validate. Lower addresses go first.
	Pool []netip.Prefix
	// Exclude are addresses of the pool that are never given.
	Exclude []netip.Addr
	Events  *event.Bus
	Log     *slog.Logger
	// MaxPerContainer is how many addresses a container may have. Default 1, which is all that networks carry today.
	MaxPerContainer int
}

// Validate says what is wrong with the pool: its prefixes are IPv4, have no host bits, and do not overlap.
func (c Config) Validate() error {
	for i, p := range c.Pool {
		if !p.IsValid() || !p.Addr().Is4() {
			return fmt.Errorf("the floating IP pool %s is not an IPv4 prefix such as 198.18.0.0/24", p)
		}
		if p != p.Masked() {
			return fmt.Errorf("the floating IP pool %s is not the beginning of a prefix: write %s", p, p.Masked())
		}
		for _, other := range c.Pool[:i] {
			if p.Overlaps(other) {
				return fmt.Errorf("the floating IP pools %s and %s overlap", other, p)
			}
		}
	}
	return nil
}

// Service carries out the rules of floating IPs.
type Service struct {
	Config
	pool pool
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
	return &Service{Config: c, pool: newPool(c.Pool, c.Exclude)}
}

func (s *Service) publish(a account.Ref, action string, addr netip.Addr, container string) {
	s.Events.Publish(a, event.Event{
		Type: "fip", Action: action, ID: addr.String(), Attributes: map[string]string{"container": container},
	})
}
