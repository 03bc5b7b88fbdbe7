package store

import (
	"net/netip"
	"time"
)

// Network is a private network that an account made. The one that every account has, engine.PrivatePrefix, has no row.
type Network struct {
	ID        string // 64 hex digits
	Name      string // unique in the account
	CreatedAt time.Time
	Spec      NetworkSpec
}

// NetworkSpec is what a network is. It does not change.
type NetworkSpec struct {
	Subnet      netip.Prefix          // overlaps no other network of the account
	Gateway     netip.Addr            // the router's address in it
	IPRange     netip.Prefix          `json:",omitzero"`  // addresses that are not asked for are taken from it; zero: Subnet
	Reserved    map[string]netip.Addr `json:",omitempty"` // by name; given to no container
	Given       bool                  `json:",omitempty"` // the subnet was asked for, so that addresses can be too
	Internal    bool                  `json:",omitempty"` // nothing in it reaches, or is reached from, anything else
	Attachable  bool                  `json:",omitempty"` // as asked; without a meaning here
	Labels      map[string]string     `json:",omitempty"`
	Options     map[string]string     `json:",omitempty"` // as asked
	IPAMOptions map[string]string     `json:",omitempty"` // as asked
}

// Endpoint is a container's place in a network.
type Endpoint struct {
	Network   string            `json:",omitempty"` // id; "": the account's own
	Interface int               `json:",omitempty"` // N of ethN
	Address   netip.Addr        // unique in the account, kept as long as the endpoint
	Asked     bool              `json:",omitempty"` // the address was asked for
	Aliases   []string          `json:",omitempty"` // further names of the container in this network
	Links     []NameLink        `json:",omitempty"`
	Priority  int               `json:",omitempty"` // the higher, the likelier to have the default route
	Options   map[string]string `json:",omitempty"` // as asked
}

// NameLink is a name that only the linking container knows another one of the same network by.
type NameLink struct {
	Target string // name of a container, which may come to be later
	Alias  string
}

// On returns the container's endpoint in a network; "" is the account's own.
func (c *Container) On(network string) (Endpoint, bool) {
	for _, e := range c.Endpoints {
		if e.Network == network {
			return e, true
		}
	}
	return Endpoint{}, false
}
