package network

import (
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine"
)

// takenAway tells whether next lacks an address or a published port that old had; or has a network that old had not: one that was
// there before may have left connections in its subnet. What security groups take away counts too.
func takenAway(old, next *applied) bool {
	if regrouped(old, next) {
		return true
	}
	for id := range next.networks {
		if _, ok := old.networks[id]; !ok {
			return true
		}
	}
	after := make(map[netip.Addr]engine.Endpoint, len(next.Endpoints))
	for _, e := range next.Endpoints {
		after[e.Address] = e
	}
	for _, was := range old.Endpoints {
		is, ok := after[was.Address]
		if !ok || is.ContainerID != was.ContainerID || was.FloatingIP.IsValid() && is.FloatingIP != was.FloatingIP {
			return true
		}
		if was.FloatingIP.IsValid() && slices.ContainsFunc(was.Ports, func(p engine.PublishedPort) bool { return !slices.Contains(is.Ports, p) }) {
			return true
		}
	}
	return false
}

// endConnections forgets the connections that the state does not allow, so that their packets meet the rules again. old may be nil.
func (r *router) endConnections(old, next *applied) error {
	_, err := r.nl.ConntrackDeleteFilters(netlink.ConntrackTable, unix.AF_INET, stale(newAllowance(old, next, r.far)))
	return err
}

// stale picks the connections to forget.
type stale allowance

// MatchConntrackFlow implements netlink.CustomConntrackFilter.
func (s stale) MatchConntrackFlow(f *netlink.ConntrackFlow) bool {
	var c connection
	var ok [4]bool
	c.src, ok[0] = netip.AddrFromSlice(f.Forward.SrcIP)
	c.dst, ok[1] = netip.AddrFromSlice(f.Forward.DstIP)
	c.from, ok[2] = netip.AddrFromSlice(f.Reverse.DstIP)
	c.to, ok[3] = netip.AddrFromSlice(f.Reverse.SrcIP)
	if ok != [4]bool{true, true, true, true} {
		return false
	}
	c.src, c.dst, c.from, c.to = c.src.Unmap(), c.dst.Unmap(), c.from.Unmap(), c.to.Unmap()
	c.proto, c.port, c.toPort = f.Forward.Protocol, f.Forward.DstPort, f.Reverse.SrcPort
	return !allowance(s).permits(c)
}

// connection is one as the router tracks it: from src to dst as its caller sees it, from from to to as its
// callee does.
type connection struct {
	src, dst, from, to netip.Addr
	proto              uint8
	port, toPort       uint16
}

// allowance is what a state says of connections.
type allowance struct {
	router   netip.Addr            // the router's address on its uplink
	private  func(netip.Addr) bool // of a network that is, or was
	gateway  func(netip.Addr) bool
	moved    map[netip.Addr]bool       // addresses that another container has now
	floating map[netip.Addr]netip.Addr // of a container's address; invalid when it has none
	public   map[door]door
	groups   policy
}

// door is a port of an address.
type door struct {
	addr  netip.Addr
	proto uint8
	port  uint16
}

func newAllowance(old, next *applied, router netip.Addr) allowance {
	a := allowance{router: router, private: next.private, gateway: next.gateway, floating: map[netip.Addr]netip.Addr{}, public: map[door]door{}, groups: newPolicy(next)}
	if old != nil {
		a.private = func(addr netip.Addr) bool { return next.private(addr) || old.private(addr) }
		a.moved = moved(old, next)
	}
	for _, e := range next.Endpoints {
		a.floating[e.Address] = e.FloatingIP
		if !e.FloatingIP.IsValid() {
			continue
		}
		for _, p := range e.Ports {
			switch p.Proto {
			case "tcp":
				a.public[door{e.FloatingIP, unix.IPPROTO_TCP, p.Public}] = door{e.Address, unix.IPPROTO_TCP, p.Private}
			case "udp":
				a.public[door{e.FloatingIP, unix.IPPROTO_UDP, p.Public}] = door{e.Address, unix.IPPROTO_UDP, p.Private}
			case "sctp":
				// The ports of a connection of this kind are not told (netlink.ConntrackFlow). A container's published ports are those that it was made with,
				// so one that has any is answer enough.
				a.public[door{e.FloatingIP, unix.IPPROTO_SCTP, 0}] = door{e.Address, unix.IPPROTO_SCTP, 0}
			}
		}
	}
	return a
}

// moved lists the addresses that another container has after than before.
func moved(old, next *applied) map[netip.Addr]bool {
	before := make(map[netip.Addr]string, len(old.Endpoints))
	for _, e := range old.Endpoints {
		before[e.Address] = e.ContainerID
	}
	out := map[netip.Addr]bool{}
	for _, e := range next.Endpoints {
		if id, ok := before[e.Address]; ok && id != e.ContainerID {
			out[e.Address] = true
		}
	}
	return out
}

func (a allowance) permits(c connection) bool {
	for _, addr := range []netip.Addr{c.src, c.to} {
		if a.moved[addr] {
			return false // it was the former container's
		}
		if _, ok := a.floating[addr]; !ok && a.private(addr) && !a.gateway(addr) {
			return false // the container is gone
		}
	}
	if c.dst != c.to && a.public[door{c.dst, c.proto, c.port}] != (door{c.to, c.proto, c.toPort}) {
		return false // the port is not published any more, or leads elsewhere
	}
	if !a.gateway(c.to) && !a.groups.permits(c) {
		return false
	}
	switch c.from {
	case c.src, a.router, a.floating[c.src]:
		return true
	}
	return a.gateway(c.from) // if not, it leaves from a floating IP that the container has no more
}
