package network

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine/local/network/ruleset"
	"github.com/hypercloud/hyper/internal/oops"
)

// uplinkPrefix begins the names of the machine's interfaces towards routers. The hyphen, which no instance has in its
// name, keeps one instance's prefix from being that of another.
func (n *Network) uplinkPrefix() string       { return n.cfg.Instance + "-u" }
func (n *Network) uplinkName(slot int) string { return n.uplinkPrefix() + strconv.Itoa(slot) }

// uplinkAddrs are the two ends of an account's /31: the machine's and the router's.
func (n *Network) uplinkAddrs(slot int) (near, far netip.Addr, err error) {
	base := n.cfg.UplinkPool.Addr().As4()
	at := func(i int) netip.Addr {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(base[:])+uint32(i))
		return netip.AddrFrom4(b)
	}
	near, far = at(2*slot), at(2*slot+1)
	if !n.cfg.UplinkPool.Contains(far) {
		return near, far, oops.Exhausted("the uplink pool %s has no address for account number %d: use a larger one", n.cfg.UplinkPool, slot)
	}
	return near, far, nil
}

// macOf derives a hardware address, set by hand so that nothing on the machine replaces it by another.
func macOf(addr netip.Addr) net.HardwareAddr {
	b := addr.As4()
	return net.HardwareAddr{0x02, 0x42, b[0], b[1], b[2], b[3]}
}

// connect makes the pair between the machine and the router, or finds it.
func (n *Network) connect(slot int, r *router) (err error) {
	if r.near, r.far, err = n.uplinkAddrs(slot); err != nil {
		return err
	}
	host, up, err := n.pair(n.uplinkName(slot), r)
	if err != nil {
		return fmt.Errorf("making the uplink: %w", err)
	}
	r.uplink = host.Attrs().Index
	err = steps("setting up the uplink",
		func() error { return n.host.LinkSetMTU(host, n.mtu) },
		func() error { return r.nl.LinkSetMTU(up, n.mtu) },
		func() error { return withoutIPv6(n.host, host) },
		func() error {
			return n.host.AddrReplace(host, &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(r.near, 31))})
		},
		func() error { return n.host.LinkSetUp(host) },
		func() error { return n.host.NeighSet(permanent(host, r.far)) },
		func() error { return r.nl.AddrReplace(up, &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(r.far, 31))}) },
		func() error { return r.nl.LinkSetUp(up) },
		func() error { return r.nl.NeighSet(permanent(up, r.near)) },
		func() error {
			return r.nl.RouteReplace(&netlink.Route{LinkIndex: up.Attrs().Index, Gw: r.near.AsSlice()})
		},
	)
	if err != nil {
		return err
	}
	// What an earlier hyperd routed here is known again, so that what is stale can go.
	r.fips, err = n.routedTo(host)
	return err
}

// pair returns both ends of the uplink, made anew unless they are each other's.
func (n *Network) pair(name string, r *router) (host, up netlink.Link, err error) {
	host, hostErr := n.host.LinkByName(name)
	up, upErr := r.nl.LinkByName(ruleset.Uplink)
	if hostErr == nil && upErr == nil && r.joins(host.Attrs(), up.Attrs()) {
		return host, up, nil
	}
	if hostErr == nil {
		if err := n.host.LinkDel(host); err != nil && !errors.Is(err, unix.ENODEV) {
			return nil, nil, err
		}
	}
	if up, err := r.nl.LinkByName(ruleset.Uplink); err == nil {
		if err := r.nl.LinkDel(up); err != nil && !errors.Is(err, unix.ENODEV) {
			return nil, nil, err
		}
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.HardwareAddr = name, n.mtu, macOf(r.near)
	err = n.host.LinkAdd(&netlink.Veth{
		LinkAttrs: attrs, PeerName: ruleset.Uplink, PeerNamespace: netlink.NsFd(r.ns),
		PeerHardwareAddr: macOf(r.far), PeerMTU: uint32(n.mtu),
	})
	if err != nil {
		return nil, nil, err
	}
	if host, err = n.host.LinkByName(name); err != nil {
		return nil, nil, err
	}
	up, err = r.nl.LinkByName(ruleset.Uplink)
	return host, up, err
}

// joins tells whether two interfaces are the ends of the uplink as it has to be; the hardware addresses tell of a pool
// of addresses that has changed since it was made.
func (r *router) joins(host, up *netlink.LinkAttrs) bool {
	return host.ParentIndex == up.Index && up.ParentIndex == host.Index &&
		bytes.Equal(host.HardwareAddr, macOf(r.near)) && bytes.Equal(up.HardwareAddr, macOf(r.far))
}

// removeUplink removes the machine's side of an uplink, with it the other, the routes and what answered for them.
func (n *Network) removeUplink(name string) error {
	host, err := n.host.LinkByName(name)
	if err != nil {
		return absent(err)
	}
	fips, err := n.routedTo(host)
	if err != nil {
		return err
	}
	for addr := range fips {
		if err := n.unroute(host.Attrs().Index, addr); err != nil {
			return err
		}
	}
	if err := n.host.LinkDel(host); err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("removing the uplink %s: %w", name, err)
	}
	return nil
}

// absent makes nothing of the error that there is no such link.
func absent(err error) error {
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	return err
}

// permanent is a neighbour entry that is never asked for and not counted against the limit of the machine's neighbour
// table, which all accounts share.
func permanent(l netlink.Link, addr netip.Addr) *netlink.Neigh {
	return &netlink.Neigh{LinkIndex: l.Attrs().Index, Family: unix.AF_INET, State: netlink.NUD_PERMANENT, IP: addr.AsSlice(), HardwareAddr: macOf(addr)}
}

// withoutIPv6 keeps an interface that is not up yet from making itself an address.
func withoutIPv6(nl *netlink.Handle, l netlink.Link) error {
	const none = 1 // IN6_ADDR_GEN_MODE_NONE
	err := nl.LinkSetIP6AddrGenMode(l, none)
	if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EINVAL) {
		return nil // a kernel without IPv6
	}
	return err
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 32)}
}
