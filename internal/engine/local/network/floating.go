package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// float routes the floating IPs that the state has, and no others. moved tells of those that lead elsewhere than before.
func (n *Network) float(r *router, next *applied, moved func(netip.Addr) bool) error {
	want := map[netip.Addr]bool{}
	for _, e := range next.Endpoints {
		if e.FloatingIP.IsValid() {
			want[e.FloatingIP] = true
		}
	}
	if len(want) > 0 {
		near, err := n.segments()
		if err != nil {
			return err
		}
		var news []netip.Addr
		// Routed ones too: another account may have had one of them meanwhile.
		for addr := range want {
			if err := n.route(r, addr, near.of(addr)); err != nil {
				return err
			}
			if !r.fips[addr] || moved(addr) {
				news = append(news, addr)
			}
			r.fips[addr] = true
		}
		n.announce(near, news)
	}
	for addr := range r.fips {
		if want[addr] {
			continue
		}
		if err := n.unroute(r.uplink, addr); err != nil {
			return err
		}
		delete(r.fips, addr)
	}
	return nil
}

// route leads a floating IP to the account's router. The machine's own connections to it come from its end of the
// uplink, and where the address belongs to a network that the machine is in, the machine answers ARP for it.
func (n *Network) route(r *router, addr netip.Addr, s *segment) error {
	if s != nil {
		if err := n.answer(s, addr); err != nil {
			return fmt.Errorf("answering for floating IP %s on %s: %w", addr, s.link.Name, err)
		}
	}
	err := n.host.RouteReplace(&netlink.Route{LinkIndex: r.uplink, Dst: ipNet(netip.PrefixFrom(addr, 32)), Gw: r.far.AsSlice(), Src: r.near.AsSlice()})
	if err != nil {
		return fmt.Errorf("routing floating IP %s: %w", addr, err)
	}
	return nil
}

// answer has the kernel answer ARP for an address that is on none of the machine's interfaces. It goes on while no hyperd runs.
func (n *Network) answer(s *segment, addr netip.Addr) error {
	// The kernel lets callers wait for up to a second in case somebody else has the address; nobody has. Not worth failing for.
	_ = os.WriteFile(filepath.Join("/proc/sys/net/ipv4/neigh", s.link.Name, "proxy_delay"), []byte("0"), 0o644)
	// It answers, and forwards, on interfaces only that forward.
	forwards := filepath.Join("/proc/sys/net/ipv4/conf", s.link.Name, "forwarding")
	if was, err := os.ReadFile(forwards); err == nil && strings.TrimSpace(string(was)) == "0" {
		if err := os.WriteFile(forwards, []byte("1"), 0o644); err != nil {
			return err
		}
		n.cfg.Log.Warn("forwarding of IPv4 packets was off on an interface with floating IPs, and is now on", "interface", s.link.Name)
	}
	return n.host.NeighSet(proxy(s.link.Index, addr))
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
	// Wherever it was answered for: the machine's networks may have changed since.
	answered, err := whole(func() ([]netlink.Neigh, error) { return n.host.NeighProxyList(0, netlink.FAMILY_V4) })
	if err != nil {
		return fmt.Errorf("listing what the machine answers for: %w", err)
	}
	for _, p := range answered {
		if !p.IP.Equal(addr.AsSlice()) {
			continue
		}
		if err := n.host.NeighDel(proxy(p.LinkIndex, addr)); err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENODEV) {
			return fmt.Errorf("no longer answering for floating IP %s: %w", addr, err)
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

// proxy is the entry that has an interface answer for an address. A permanent one outlives a cable that is pulled.
func proxy(link int, addr netip.Addr) *netlink.Neigh {
	return &netlink.Neigh{LinkIndex: link, Family: unix.AF_INET, State: netlink.NUD_PERMANENT, Flags: netlink.NTF_PROXY, IP: addr.AsSlice()}
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
