package network

import (
	"net/netip"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// addressRange is what containers' addresses are taken from, both ends included.
type addressRange struct{ first, last netip.Addr }

// privateRange leaves out of 172.16.0.0/16 its own address, .0.1 (the router) to .0.9 (the platform's), and the
// broadcast address.
var privateRange = addressRange{
	first: netip.MustParseAddr("172.16.0.10"),
	last:  netip.MustParseAddr("172.16.255.254"),
}

// AllocateAddress picks a private address that no container of tx's account has; it is taken once tx
// puts a container with it. Addresses are given in turn, so that a released one rests as long as it can: who remembers
// a removed container's address does not soon meet another container there. Errors: ErrResourceExhausted.
func (s *Service) AllocateAddress(tx *store.Tx) (netip.Addr, error) {
	a := tx.Account().ID()
	s.mu.Lock()
	defer s.mu.Unlock()
	last, ok := s.newest[a]
	if !ok {
		last = highest(tx.View)
	}
	addr, ok := s.boundary.after(last, tx.AddressTaken)
	if !ok {
		return netip.Addr{}, oops.Exhausted("the private network %s of the account has no free address: remove a container", engine.PrivatePrefix)
	}
	s.newest[a] = addr
	return addr, nil
}

// highest is the highest address that a container has: after a restart of hyperd, the best guess at the one given last.
func highest(v *store.View) netip.Addr {
	var top netip.Addr
	for _, c := range v.Containers() {
		if !top.IsValid() || c.Address.IsValid() && top.Less(c.Address) {
			top = c.Address
		}
	}
	return top
}

// after finds the first free address after last, going round once. An invalid last begins at the first address.
func (r addressRange) after(last netip.Addr, taken func(netip.Addr) bool) (netip.Addr, bool) {
	start := r.next(last)
	for addr := start; ; {
		if !taken(addr) {
			return addr, true
		}
		if addr = r.next(addr); addr == start {
			return netip.Addr{}, false
		}
	}
}

func (r addressRange) next(addr netip.Addr) netip.Addr {
	if !addr.IsValid() || addr.Less(r.first) || !addr.Less(r.last) {
		return r.first
	}
	return addr.Next()
}
