package network

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/network/ruleset"
)

// auditNamespace looks whether the router can be found under its name.
func (n *Network) auditNamespace(a account.Ref, r *router, out *report) {
	path := n.namespacePath(a.ID())
	if !isNamespace(path) {
		out.drift("the router's network namespace is not bound to %s any more, so that a hyperd that starts would make another", path)
		return
	}
	if !r.at(path) {
		out.drift("%s is not the network namespace of the router that the account's containers hang on", path)
	}
}

// at tells whether it is the router's namespace that is bound to path.
func (r *router) at(path string) bool {
	var bound, own unix.Stat_t
	return unix.Stat(path, &bound) == nil && unix.Fstat(int(r.ns), &own) == nil && bound.Ino == own.Ino && bound.Dev == own.Dev
}

// auditSettings looks at the kernel's switches in the router's namespace.
func (r *router) auditSettings(out *report) error {
	return within(r.ns, func() error {
		for _, s := range routerSettings {
			if is, ok := setting(s.name); ok && is != s.value {
				out.drift("the router has net.%s = %s, and needs %s%s", dotted(s.name), is, s.value, s.because())
				if s.name == routerSettings[0].name {
					return nil // that changed others, too
				}
			}
		}
		links, err := filepath.Glob("/proc/sys/net/ipv4/conf/" + ruleset.Link + "*")
		if err != nil {
			return err
		}
		for _, dir := range links {
			for _, s := range linkSettings {
				name := "ipv4/conf/" + filepath.Base(dir) + "/" + s.name
				if is, ok := setting(name); ok && is != s.value {
					out.drift("the router has net.%s = %s, and needs %s%s", dotted(name), is, s.value, s.because())
				}
			}
		}
		return nil
	})
}

// setting reads one of the kernel's switches in the namespace of the calling thread.
func setting(name string) (string, bool) {
	raw, err := os.ReadFile("/proc/sys/net/" + name)
	return strings.TrimSpace(string(raw)), err == nil
}

// dotted is the name as sysctl prints it.
func dotted(name string) string { return strings.ReplaceAll(name, "/", ".") }

// auditUplink looks at the pair between machine and router.
func (n *Network) auditUplink(a account.Ref, r *router, out *report) error {
	name := n.uplinkName(a.Slot())
	host, hostErr := n.host.LinkByName(name)
	up, upErr := r.nl.LinkByName(ruleset.Uplink)
	for _, err := range []error{hostErr, upErr} {
		if err != nil && absent(err) != nil {
			return err
		}
	}
	switch {
	case hostErr != nil && upErr != nil:
		out.drift("the uplink %s between the machine and the account's router is missing: its containers reach nothing outside, and have no floating IPs", name)
		return nil
	case hostErr != nil || upErr != nil || !r.joins(host.Attrs(), up.Attrs()):
		out.drift("the uplink %s does not connect the machine with the account's router", name)
		return nil
	}
	ends := []struct {
		nl         *netlink.Handle
		link       netlink.Link
		where      string
		own, other netip.Addr
	}{{n.host, host, "on the machine", r.near, r.far}, {r.nl, up, "in the router", r.far, r.near}}
	for _, e := range ends {
		what := fmt.Sprintf("the uplink's end %s, %s,", e.where, e.link.Attrs().Name)
		if e.link.Attrs().Flags&net.FlagUp == 0 {
			out.drift("%s is down", what) // routes and neighbour entries went with it
			continue
		}
		if mtu := e.link.Attrs().MTU; mtu != n.mtu {
			out.drift("%s carries packets of %d bytes instead of %d", what, mtu, n.mtu)
		}
		if err := auditEnd(e.nl, e.link, what, netip.PrefixFrom(e.own, 31), out); err != nil {
			return err
		}
		known, err := knows(e.nl, e.link, e.other, macOf(e.other).String())
		if err != nil {
			return err
		}
		if !known {
			out.drift("%s has no permanent neighbour entry for the other end, %s", what, e.other)
		}
	}
	if up.Attrs().Flags&net.FlagUp == 0 {
		return nil
	}
	routes, err := routesOf(r.nl)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(routes, func(rt netlink.Route) bool {
		return isDefault(rt) && rt.LinkIndex == up.Attrs().Index && rt.Gw.Equal(r.near.AsSlice())
	}) {
		out.drift("the router has no default route by the machine, %s", r.near)
	}
	return nil
}

// auditEnd looks at the addresses of an interface that is to have one.
func auditEnd(nl *netlink.Handle, l netlink.Link, what string, own netip.Prefix, out *report) error {
	addrs, err := whole(func() ([]netlink.Addr, error) { return nl.AddrList(l, netlink.FAMILY_V4) })
	if err != nil {
		return err
	}
	found := false
	for _, a := range addrs {
		if p, ok := prefixOf(a.IPNet); ok && p == own {
			found = true
			continue
		}
		out.drift("%s has an address that hyperd did not give it, %s", what, a.IPNet)
	}
	if !found {
		out.drift("%s lacks its address, %s", what, own)
	}
	return nil
}

// knows tells whether an interface has a neighbour entry that stays.
func knows(nl *netlink.Handle, l netlink.Link, addr netip.Addr, mac string) (bool, error) {
	list, err := whole(func() ([]netlink.Neigh, error) { return nl.NeighList(l.Attrs().Index, netlink.FAMILY_V4) })
	return slices.ContainsFunc(list, func(e netlink.Neigh) bool {
		return e.IP.Equal(addr.AsSlice()) && e.HardwareAddr.String() == mac && e.State&netlink.NUD_PERMANENT != 0
	}), err
}

// routesOf lists the main table's routes.
func routesOf(nl *netlink.Handle) ([]netlink.Route, error) {
	return whole(func() ([]netlink.Route, error) { return nl.RouteList(nil, netlink.FAMILY_V4) })
}

func isDefault(rt netlink.Route) bool { return rt.Dst == nil || prefixIs(rt.Dst, everywhere) }

func prefixIs(n *net.IPNet, want netip.Prefix) bool {
	p, ok := prefixOf(n)
	return ok && p == want
}

// auditNetworks looks at the router's places in the account's networks, and at all of its routes but those of containers.
func (r *router) auditNetworks(out *report, state engine.NetworkState) error {
	lo, err := r.nl.LinkByName("lo")
	if err != nil {
		return err
	}
	if lo.Attrs().Flags&net.FlagUp == 0 {
		out.drift("the router's interface lo is down, so that it has no place in the account's networks")
		return nil
	}
	gateways := map[netip.Addr]bool{}
	subnets := map[netip.Prefix]bool{}
	for _, p := range state.All() {
		gateways[p.Gateway], subnets[p.Subnet] = true, true
	}
	addrs, err := whole(func() ([]netlink.Addr, error) { return r.nl.AddrList(lo, netlink.FAMILY_V4) })
	if err != nil {
		return err
	}
	has := map[netip.Addr]bool{}
	for _, a := range addrs {
		p, ok := prefixOf(a.IPNet)
		if !ok || p.Addr().IsLoopback() {
			continue
		}
		if has[p.Addr()] = true; !gateways[p.Addr()] {
			out.drift("the router has the address %s, which is the gateway of none of the account's networks", p.Addr())
		}
	}
	routed, err := r.auditRoutes(out, lo, subnets)
	if err != nil {
		return err
	}
	for _, p := range state.All() {
		if !has[p.Gateway] {
			out.drift("the router lacks the address %s, the gateway of the network %s", p.Gateway, p.Subnet)
		}
		if !routed[p.Subnet] {
			out.drift("the router lacks the route of the network %s, which answers for addresses that no running container has", p.Subnet)
		}
	}
	return nil
}

// auditRoutes reports routes that hyperd did not make, and returns the subnets that are routed to lo. Those to links of containers are looked at with these.
func (r *router) auditRoutes(out *report, lo netlink.Link, subnets map[netip.Prefix]bool) (map[netip.Prefix]bool, error) {
	routes, err := routesOf(r.nl)
	if err != nil {
		return nil, err
	}
	links, err := whole(r.nl.LinkList)
	if err != nil {
		return nil, err
	}
	byIndex := map[int]string{}
	for _, l := range links {
		byIndex[l.Attrs().Index] = l.Attrs().Name
	}
	routed := map[netip.Prefix]bool{}
	for _, rt := range routes {
		p, _ := prefixOf(rt.Dst)
		if rt.LinkIndex == lo.Attrs().Index && subnets[p] && rt.Gw == nil {
			routed[p] = true
			continue
		}
		if !r.made(rt, byIndex[rt.LinkIndex]) {
			out.drift("the router has a route that hyperd did not make, to %s", routeText(rt, byIndex[rt.LinkIndex]))
		}
	}
	return routed, nil
}

// made tells whether a route is one of those that a router has besides its networks'.
func (r *router) made(rt netlink.Route, device string) bool {
	switch {
	case strings.HasPrefix(device, ruleset.Link):
		_, ok := single(rt.Dst)
		return ok && rt.Gw == nil
	case device != ruleset.Uplink:
		return false
	case isDefault(rt):
		return rt.Gw.Equal(r.near.AsSlice())
	}
	return prefixIs(rt.Dst, netip.PrefixFrom(r.far, 31).Masked())
}

// routeText is a route as ip route prints it, more or less.
func routeText(rt netlink.Route, device string) string {
	text := "default"
	if !isDefault(rt) {
		text = rt.Dst.String()
	}
	if rt.Gw != nil {
		text += " via " + rt.Gw.String()
	}
	if device != "" {
		text += " dev " + device
	}
	return text
}
