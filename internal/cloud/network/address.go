package network

import (
	"net/netip"

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

// place names a network of an account.
type place struct{ account, network string }

// rangeOf is what a network gives addresses from.
func (s *Service) rangeOf(n *store.Network, key string) addressRange {
	if key == "" {
		return s.boundary
	}
	p := n.Spec.Subnet
	if n.Spec.IPRange.IsValid() {
		p = n.Spec.IPRange
	}
	return rangeWithin(n.Spec.Subnet, p)
}

// rangeWithin are the addresses of a part of a subnet that can be somebody's. It is empty, its last before its first, when there are none.
func rangeWithin(subnet, part netip.Prefix) addressRange {
	r := addressRange{first: part.Masked().Addr(), last: broadcast(part)}
	if r.first == subnet.Masked().Addr() {
		r.first = r.first.Next()
	}
	if r.last == broadcast(subnet) {
		r.last = r.last.Prev()
	}
	return r
}

// taken tells which addresses of a network are not to be given to a container.
func taken(v *store.View, n *store.Network) func(netip.Addr) bool {
	return func(addr netip.Addr) bool {
		if addr == n.Spec.Gateway || v.AddressTaken(addr) {
			return true
		}
		for _, reserved := range n.Spec.Reserved {
			if reserved == addr {
				return true
			}
		}
		return false
	}
}

// allocate picks an address that no container of tx's account has; it is taken once tx puts a container with it. Addresses are
// given in turn, so that a released one rests as long as it can: who remembers a removed container's address does not soon
// meet another container there. Errors: ErrResourceExhausted.
func (s *Service) allocate(tx *store.Tx, n *store.Network) (netip.Addr, error) {
	key := Key(tx.View, n)
	at := place{tx.Account().ID(), key}
	s.mu.Lock()
	defer s.mu.Unlock()
	last, ok := s.newest[at]
	if !ok {
		last = highest(tx.View, key)
	}
	addr, ok := s.rangeOf(n, key).after(last, taken(tx.View, n))
	if !ok {
		return netip.Addr{}, oops.Exhausted("the network %s (%s) of the account has no free address: remove a container", n.Name, n.Spec.Subnet)
	}
	s.newest[at] = addr
	return addr, nil
}

// asked checks an address that was asked for. Errors: ErrInvalidArgument, ErrConflict.
func asked(v *store.View, n *store.Network, addr netip.Addr) error {
	switch {
	case Key(v, n) == "":
		return oops.Invalid("a container's address in the network %s cannot be chosen: user specified IP address is supported on user defined networks only", n.Name)
	case !n.Spec.Given:
		return oops.Invalid("user specified IP address is supported only when connecting to networks with user configured subnets: network %s was created without --subnet", n.Name)
	case !usable(n.Spec.Subnet, addr) || addr == n.Spec.Gateway:
		return oops.Invalid("invalid endpoint settings: the address %s is not one for a container in network %s, %s", addr, n.Name, n.Spec.Subnet)
	case v.AddressTaken(addr):
		return oops.Conflict("Address already in use: another container has %s", addr)
	}
	return nil // reserved ones are kept for whoever asks
}

// highest is the highest address that a container has in a network: after a restart of hyperd, the best guess at the one given last.
func highest(v *store.View, network string) netip.Addr {
	var top netip.Addr
	for _, c := range v.Containers() {
		if e, ok := c.On(network); ok && (!top.IsValid() || top.Less(e.Address)) {
			top = e.Address
		}
	}
	return top
}

// after finds the first free address after last, going round once. An invalid last begins at the first address.
func (r addressRange) after(last netip.Addr, taken func(netip.Addr) bool) (netip.Addr, bool) {
	if r.last.Less(r.first) {
		return netip.Addr{}, false
	}
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
