package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine/local/network/ruleset"
)

// route leads a floating IP to the account's router. The machine's own connections to it come from its end of the
// uplink, and where the address belongs to a network that the machine is in, the machine answers ARP for it.
func (n *Network) route(r *router, addr netip.Addr) error {
	if l := n.onLink(addr); l != nil {
		// The kernel lets callers wait for up to a second in case somebody else has the address; nobody has. Not worth failing for.
		_ = os.WriteFile(filepath.Join("/proc/sys/net/ipv4/neigh", l.Attrs().Name, "proxy_delay"), []byte("0"), 0o644)
		if err := n.host.NeighSet(proxy(l, addr)); err != nil {
			return fmt.Errorf("answering for floating IP %s on %s: %w", addr, l.Attrs().Name, err)
		}
	}
	err := n.host.RouteReplace(&netlink.Route{LinkIndex: r.uplink, Dst: ipNet(netip.PrefixFrom(addr, 32)), Gw: r.far.AsSlice(), Src: r.near.AsSlice()})
	if err != nil {
		return fmt.Errorf("routing floating IP %s: %w", addr, err)
	}
	return nil
}

// unroute takes a floating IP off an uplink. When another account has it already, it is left alone.
func (n *Network) unroute(uplink int, addr netip.Addr) error {
	err := n.host.RouteDel(&netlink.Route{LinkIndex: uplink, Dst: ipNet(netip.PrefixFrom(addr, 32))})
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("taking floating IP %s off: %w", addr, err)
	}
	if l := n.onLink(addr); l != nil {
		if err := n.host.NeighDel(proxy(l, addr)); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("no longer answering for floating IP %s on %s: %w", addr, l.Attrs().Name, err)
		}
	}
	return nil
}

// routedTo lists the floating IPs that are routed to an uplink.
func (n *Network) routedTo(uplink netlink.Link) (map[netip.Addr]bool, error) {
	routes, err := whole(func() ([]netlink.Route, error) {
		return n.host.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{LinkIndex: uplink.Attrs().Index}, netlink.RT_FILTER_OIF)
	})
	if err != nil {
		return nil, fmt.Errorf("listing the routes of an uplink: %w", err)
	}
	fips := map[netip.Addr]bool{}
	for _, rt := range routes {
		if addr, ok := single(rt.Dst); ok {
			fips[addr] = true
		}
	}
	return fips, nil
}

// onLink is the interface with the network that a floating IP belongs to, nil if there is none.
func (n *Network) onLink(addr netip.Addr) netlink.Link {
	for _, p := range n.cfg.FIPPool {
		if p.Contains(addr) && ruleset.MachineOnly(p) {
			return nil
		}
	}
	addrs, err := whole(func() ([]netlink.Addr, error) { return n.host.AddrList(nil, netlink.FAMILY_V4) })
	if err != nil {
		return nil
	}
	for _, a := range addrs {
		if ones, _ := a.Mask.Size(); ones >= 31 || a.IP.IsLoopback() || !a.IPNet.Contains(addr.AsSlice()) {
			continue
		}
		if l, err := n.host.LinkByIndex(a.LinkIndex); err == nil {
			return l
		}
	}
	return nil
}

func proxy(l netlink.Link, addr netip.Addr) *netlink.Neigh {
	return &netlink.Neigh{LinkIndex: l.Attrs().Index, Family: unix.AF_INET, Flags: netlink.NTF_PROXY, IP: addr.AsSlice()}
}

func single(n *net.IPNet) (netip.Addr, bool) {
	p, ok := prefixOf(n)
	return p.Addr(), ok && p.IsSingleIP()
}

// prefixOf reads an IPv4 network.
func prefixOf(n *net.IPNet) (netip.Prefix, bool) {
	if n == nil {
		return netip.Prefix{}, false
	}
	ones, bits := n.Mask.Size()
	addr, ok := netip.AddrFromSlice(n.IP.To4())
	return netip.PrefixFrom(addr, ones), ok && bits == 32
}
