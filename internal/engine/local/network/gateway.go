package network

import (
	"errors"
	"maps"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine"
)

// addGateway puts the router into a network: its address in it is on lo, and addresses of the network without a link of their own
// are routed there, where they meet the rules, which say so to the caller.
func (r *router) addGateway(lo netlink.Link, subnet netip.Prefix, gateway netip.Addr) error {
	if err := r.nl.AddrReplace(lo, &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(gateway, 32))}); err != nil {
		return err
	}
	return r.nl.RouteReplace(throughLo(lo, subnet))
}

func throughLo(lo netlink.Link, subnet netip.Prefix) *netlink.Route {
	return &netlink.Route{LinkIndex: lo.Attrs().Index, Dst: ipNet(subnet), Scope: netlink.SCOPE_LINK}
}

// carried lists the subnets that are routed to lo besides the account's own, and the gateways in them. A gateway without a route,
// of a router that was interrupted, stands for itself.
func (r *router) carried(lo netlink.Link) (map[netip.Prefix]netip.Addr, error) {
	routes, err := whole(func() ([]netlink.Route, error) {
		return r.nl.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{LinkIndex: lo.Attrs().Index}, netlink.RT_FILTER_OIF)
	})
	if err != nil {
		return nil, err
	}
	out := map[netip.Prefix]netip.Addr{}
	for _, rt := range routes {
		if subnet, ok := prefixOf(rt.Dst); ok && subnet != engine.PrivatePrefix {
			out[subnet] = netip.Addr{}
		}
	}
	addrs, err := whole(func() ([]netlink.Addr, error) { return r.nl.AddrList(lo, netlink.FAMILY_V4) })
	if err != nil {
		return nil, err
	}
	for _, a := range addrs {
		p, ok := prefixOf(a.IPNet)
		if !ok || p.Addr().IsLoopback() || p.Addr() == engine.PrivateGateway {
			continue
		}
		for subnet := range out {
			if subnet.Contains(p.Addr()) {
				p = subnet.Masked()
				break
			}
		}
		gateway, _ := netip.AddrFromSlice(a.IP.To4())
		out[p] = gateway
	}
	return out, nil
}

// addGateways puts the router into networks that it is not in.
func (r *router) addGateways(networks []engine.PrivateNetwork) error {
	var lo netlink.Link
	for _, p := range networks {
		if r.subnets[p.Subnet] == p.Gateway {
			continue
		}
		if lo == nil {
			var err error
			if lo, err = r.nl.LinkByName("lo"); err != nil {
				return err
			}
		}
		if was, ok := r.subnets[p.Subnet]; ok { // another network's that had this subnet
			if err := r.removeGateway(lo, p.Subnet, was); err != nil {
				return err
			}
		}
		if err := r.addGateway(lo, p.Subnet, p.Gateway); err != nil {
			return err
		}
		r.subnets[p.Subnet] = p.Gateway
	}
	return nil
}

// removeGateways takes the router out of networks that are not in the list.
func (r *router) removeGateways(networks []engine.PrivateNetwork) error {
	wanted := map[netip.Prefix]bool{}
	for _, p := range networks {
		wanted[p.Subnet] = true
	}
	for subnet, gateway := range r.subnets {
		if wanted[subnet] {
			continue
		}
		lo, err := r.nl.LinkByName("lo")
		if err != nil {
			return err
		}
		if err := r.removeGateway(lo, subnet, gateway); err != nil {
			return err
		}
	}
	return nil
}

func (r *router) removeGateway(lo netlink.Link, subnet netip.Prefix, gateway netip.Addr) error {
	if err := r.nl.RouteDel(throughLo(lo, subnet)); err != nil && !errors.Is(err, unix.ESRCH) {
		return err
	}
	delete(r.subnets, subnet)
	if gateway.IsValid() && !slices.Contains(slices.Collect(maps.Values(r.subnets)), gateway) {
		err := r.nl.AddrDel(lo, &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(gateway, 32))})
		if err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return err
		}
	}
	return nil
}
