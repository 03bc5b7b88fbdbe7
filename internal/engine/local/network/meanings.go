package network

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"go4.org/netipx"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/oops"
)

// meanings are what addresses mean on the machine already: its own, those of the routers that it sends to, and those that stand for a whole network.
func (n *Network) meanings() (map[netip.Addr]string, error) {
	name, err := n.linkNames()
	if err != nil {
		return nil, err
	}
	out := map[netip.Addr]string{}
	addrs, err := whole(func() ([]netlink.Addr, error) { return n.host.AddrList(nil, netlink.FAMILY_V4) })
	if err != nil {
		return nil, fmt.Errorf("listing the machine's addresses: %w", err)
	}
	for _, a := range addrs {
		p, ok := prefixOf(a.IPNet)
		if !ok || n.own(name[a.LinkIndex]) {
			continue
		}
		if p.Bits() > 0 && p.Bits() < 31 && !p.Addr().IsLoopback() {
			subnet := p.Masked()
			out[subnet.Addr()] = fmt.Sprintf("the address of the network %s itself, on %s", subnet, name[a.LinkIndex])
			out[netipx.PrefixLastIP(subnet)] = fmt.Sprintf("everybody's in the network %s, on %s", subnet, name[a.LinkIndex])
		}
	}
	routes, err := whole(func() ([]netlink.Route, error) { return n.host.RouteList(nil, netlink.FAMILY_V4) })
	if err != nil {
		return nil, fmt.Errorf("listing the machine's routes: %w", err)
	}
	for _, r := range routes {
		for _, hop := range append([]*netlink.NexthopInfo{{Gw: r.Gw, LinkIndex: r.LinkIndex}}, r.MultiPath...) {
			if addr, ok := netip.AddrFromSlice(hop.Gw.To4()); ok && !n.own(name[hop.LinkIndex]) {
				out[addr] = "that of this machine's router on " + name[hop.LinkIndex]
			}
		}
	}
	for _, a := range addrs {
		if p, ok := prefixOf(a.IPNet); ok && !n.own(name[a.LinkIndex]) {
			out[p.Addr()] = "this machine's own, on " + name[a.LinkIndex]
		}
	}
	return out, nil
}

// routedElsewhere are the single addresses that the machine routes to other interfaces than this instance's, such as another hyperd's.
func (n *Network) routedElsewhere() (map[netip.Addr]string, error) {
	name, err := n.linkNames()
	if err != nil {
		return nil, err
	}
	routes, err := whole(func() ([]netlink.Route, error) { return n.host.RouteList(nil, netlink.FAMILY_V4) })
	if err != nil {
		return nil, fmt.Errorf("listing the machine's routes: %w", err)
	}
	out := map[netip.Addr]string{}
	for _, r := range routes {
		if addr, ok := single(r.Dst); ok && r.Type == unix.RTN_UNICAST && !n.own(name[r.LinkIndex]) {
			out[addr] = "what is routed to it on this machine, by " + name[r.LinkIndex]
		}
	}
	return out, nil
}

func (n *Network) linkNames() (map[int]string, error) {
	links, err := whole(n.host.LinkList)
	if err != nil {
		return nil, fmt.Errorf("listing the machine's interfaces: %w", err)
	}
	out := map[int]string{}
	for _, l := range links {
		out[l.Attrs().Index] = l.Attrs().Name
	}
	return out, nil
}

// checkPools refuses pools with addresses that mean something on the machine already.
func (n *Network) checkPools() error {
	means, err := n.meanings()
	if err != nil {
		return err
	}
	for _, addr := range slices.SortedFunc(maps.Keys(means), netip.Addr.Compare) {
		if n.cfg.FIPs.Contains(addr) {
			return oops.Conflict("the floating IPs have the address %s, which is %s: choose another fip-pool, or leave the address out by fip-exclude", addr, means[addr])
		}
	}
	return nil
}
