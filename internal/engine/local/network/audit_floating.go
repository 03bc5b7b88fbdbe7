package network

import (
	"maps"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"

	"github.com/hypercloud/hyper/internal/engine"
)

// auditFloating looks at what leads the account's floating IPs to its router. One that is not meant any more when the routes have been listed
// may lead to another account already. Without an uplink that is up there is nowhere to lead.
func (n *Network) auditFloating(r *router, out *report, state engine.NetworkState, meant func() engine.Routing) error {
	host, err := n.host.LinkByIndex(r.uplink)
	if err != nil {
		return absent(err)
	}
	if host.Attrs().Flags&net.FlagUp == 0 {
		return nil
	}
	routes, err := whole(func() ([]netlink.Route, error) {
		return n.host.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{LinkIndex: r.uplink}, netlink.RT_FILTER_OIF)
	})
	if err != nil {
		return err
	}
	near, err := n.segments()
	if err != nil {
		return err
	}
	still := map[netip.Addr]bool{}
	for _, e := range meant().Endpoints {
		still[e.FloatingIP] = true
	}
	there := map[netip.Addr]netlink.Route{}
	for _, rt := range routes {
		if addr, ok := single(rt.Dst); ok {
			there[addr] = rt
		} else if !prefixIs(rt.Dst, netip.PrefixFrom(r.near, 31).Masked()) {
			out.drift("the machine has a route by the account's uplink that hyperd did not make, to %s", routeText(rt, host.Attrs().Name))
		}
	}
	for _, e := range state.Endpoints {
		if !e.FloatingIP.IsValid() {
			continue
		}
		rt, ok := there[e.FloatingIP]
		delete(there, e.FloatingIP)
		if !still[e.FloatingIP] {
			continue
		}
		if !ok || !rt.Gw.Equal(r.far.AsSlice()) || !rt.Src.Equal(r.near.AsSlice()) {
			out.drift("the machine does not route floating IP %s to the account", e.FloatingIP)
		}
		if s := near.of(e.FloatingIP); s != nil && !n.answered(s.link.Index)[e.FloatingIP] {
			out.drift("the machine does not answer ARP for floating IP %s on %s, so that its neighbours there do not find it", e.FloatingIP, s.link.Name)
		}
	}
	for _, addr := range slices.SortedFunc(maps.Keys(there), netip.Addr.Compare) {
		out.drift("the machine routes %s to the account, of whose containers none has it as floating IP", addr)
	}
	return nil
}
