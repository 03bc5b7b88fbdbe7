package network

import (
	"bytes"
	"errors"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine"
)

// inside is a container's network namespace, seen from outside.
type inside struct {
	*netlink.Handle
	ns netns.NsHandle
}

// openInside opens a container's namespace, with lo up.
func openInside(ns netns.NsHandle) (*inside, error) {
	nl, err := netlink.NewHandleAt(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	lo, err := nl.LinkByName("lo")
	if err == nil {
		err = nl.LinkSetUp(lo)
	}
	if err != nil {
		nl.Close()
		return nil, err
	}
	return &inside{nl, ns}, nil
}

// has tells whether the container's end of a link is here, as it has to be.
func (in *inside) has(p place, router *netlink.LinkAttrs) bool {
	eth, err := in.LinkByName(p.Device())
	if err != nil {
		return false
	}
	a := eth.Attrs()
	mac, err := net.ParseMAC(p.MAC)
	return err == nil && a.NetNsID >= 0 && a.ParentIndex == router.Index && router.ParentIndex == a.Index && bytes.Equal(a.HardwareAddr, mac)
}

// furnish sets up the container's end of a link. The address is one of the network's subnet, as anything that looks at it expects,
// but the only neighbour is the gateway, known from the start: neighbours are reached through it, and a container
// that calls every address of the network fills no neighbour table.
func (in *inside) furnish(p place, mtu int) error {
	eth, err := in.LinkByName(p.Device())
	if err != nil {
		return err
	}
	gateway := netip.PrefixFrom(p.net.Gateway, 32)
	return steps("the container's end",
		func() error { return in.LinkSetMTU(eth, mtu) }, // a link that was there may be of another hyperd's, with another MTU
		func() error { return withoutIPv6(in.Handle, eth) },
		func() error {
			return in.AddrReplace(eth, &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(p.Address, p.net.Subnet.Bits())), Flags: unix.IFA_F_NOPREFIXROUTE})
		},
		func() error { return in.LinkSetUp(eth) },
		func() error { return in.NeighSet(permanent(eth, p.net.Gateway)) },
		func() error {
			return in.RouteReplace(&netlink.Route{LinkIndex: eth.Attrs().Index, Dst: ipNet(gateway), Scope: netlink.SCOPE_LINK, Src: p.Address.AsSlice()})
		},
		func() error { return in.RouteReplace(through(eth, p, p.net.Subnet)) },
	)
}

// through is a route by a place's gateway.
func through(eth netlink.Link, p place, to netip.Prefix) *netlink.Route {
	return &netlink.Route{LinkIndex: eth.Attrs().Index, Dst: ipNet(to), Gw: p.net.Gateway.AsSlice(), Src: p.Address.AsSlice()}
}

var (
	everywhere = netip.MustParsePrefix("0.0.0.0/0")
	nameServer = netip.PrefixFrom(engine.PrivateGateway, 32)
)

// routes leads the default route through the first network that is not internal; without one there is none, and only names can be
// asked for.
func (in *inside) routes(places []place) error {
	for _, p := range places {
		if !p.net.Internal {
			return in.lead(p, everywhere)
		}
	}
	if err := in.RouteDel(&netlink.Route{Dst: ipNet(everywhere)}); err != nil && !errors.Is(err, unix.ESRCH) {
		return err
	}
	if len(places) == 0 {
		return nil
	}
	return in.lead(places[0], nameServer)
}

func (in *inside) lead(p place, to netip.Prefix) error {
	eth, err := in.LinkByName(p.Device())
	if err != nil {
		return err
	}
	return in.RouteReplace(through(eth, p, to))
}
