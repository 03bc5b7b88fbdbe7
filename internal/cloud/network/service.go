// Package network holds the rules of private networks: the one that every account has, 172.16.0.0/16, and those that it
// makes besides, with their subnets, and containers' places in them. It keeps every account's router in step with the
// store: who is in which network, by which names, and what of it can be reached from outside.
//
// Nothing is kept here that the store does not have. State works out the whole of a router as a pure function of
// the account's view, and Apply hands it to the engine, which replaces what there was. Whoever changes something that
// State looks at (containers, names, published ports, floating IPs) writes it to the store first and calls Apply then.
package network

import (
	"log/slog"
	"net/netip"
	"sync"

	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

// Config is what a Service is made of.
type Config struct {
	Store  *store.Store
	Engine engine.Networks
	Events *event.Bus // nil: nobody listens
	Log    *slog.Logger
	// Reserved are ranges that no account's network may have addresses of: the routers' links, floating IPs.
	Reserved []netip.Prefix
}

// Service brings routers up to date and gives addresses.
type Service struct {
	Config
	mu       sync.Mutex
	queues   map[string]*queue    // by account id
	newest   map[place]netip.Addr // the address given last
	boundary addressRange         // of the network that every account has
}

// New returns a Service.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Service{Config: c, queues: map[string]*queue{}, newest: map[place]netip.Addr{}, boundary: privateRange}
}
