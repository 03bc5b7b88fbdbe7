package network

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/network/ruleset"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
)

// linkName is the router's interface of a container; the id is hashed since a prefix of it might be shared.
func linkName(containerID string) string {
	sum := sha256.Sum256([]byte(containerID))
	return ruleset.Link + hex.EncodeToString(sum[:6])
}

// ApplyNetwork implements engine.Networks.
func (n *Network) ApplyNetwork(_ context.Context, a account.Ref, state engine.NetworkState) error {
	r, err := n.router(a)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	rules := ruleset.Account(state, linkName, n.UplinkPool)
	if rules != r.rules {
		if err := within(r.ns, func() error { return applyRules(rules) }); err != nil {
			return fmt.Errorf("replacing the account's rules: %w", err)
		}
		r.rules = rules
	}
	old := r.endpoint
	r.endpoint = map[string]engine.Endpoint{}
	want := map[netip.Addr]bool{}
	for _, e := range state.Endpoints {
		r.endpoint[e.ContainerID] = e
		if e.FloatingIP.IsValid() {
			want[e.FloatingIP] = true
		}
	}
	r.names.Set(state.Endpoints)
	for addr := range want {
		err := netlink.RouteReplace(&netlink.Route{LinkIndex: r.uplink, Dst: ipNet(netip.PrefixFrom(addr, 32)), Gw: r.far.AsSlice()})
		if err != nil {
			return fmt.Errorf("routing floating IP %s: %w", addr, err)
		}
		r.fips[addr] = true
	}
	for addr := range r.fips {
		if want[addr] {
			continue
		}
		err := netlink.RouteDel(&netlink.Route{LinkIndex: r.uplink, Dst: ipNet(netip.PrefixFrom(addr, 32))})
		if err != nil && err != unix.ESRCH { //nolint:errorlint // netlink returns the bare number
			return fmt.Errorf("taking floating IP %s off: %w", addr, err)
		}
		delete(r.fips, addr)
	}
	r.endConnections(old)
	return nil
}

// endConnections forgets the connections through floating IPs that are not where they were.
func (r *router) endConnections(old map[string]engine.Endpoint) {
	for id, was := range old {
		if !was.FloatingIP.IsValid() || r.endpoint[id].FloatingIP == was.FloatingIP {
			continue
		}
		var f netlink.ConntrackFilter
		if f.AddIP(netlink.ConntrackOrigDstIP, net.IP(was.FloatingIP.AsSlice())) == nil {
			_, _ = r.nl.ConntrackDeleteFilters(netlink.ConntrackTable, unix.AF_INET, &f)
		}
	}
}

// AttachEndpoint implements engine.Networks.
func (n *Network) AttachEndpoint(_ context.Context, a account.Ref, containerID string, pid int) error {
	r, err := n.router(a)
	if err != nil {
		return err
	}
	r.mu.Lock()
	e, ok := r.endpoint[containerID]
	r.mu.Unlock()
	if !ok {
		return oops.NotFound("container %s has no place in the account's network", containerID)
	}
	ns, err := netns.GetFromPid(pid)
	if err != nil {
		return fmt.Errorf("opening the container's network namespace: %w", err)
	}
	defer ns.Close()
	if ns.Equal(r.ns) {
		return oops.Invalid("process %d is in the router's own namespace", pid)
	}
	name := linkName(containerID)
	if l, err := r.nl.LinkByName(name); err == nil {
		_ = r.nl.LinkDel(l)
	}
	mac, err := net.ParseMAC(e.MAC)
	if err != nil {
		return fmt.Errorf("MAC %q: %w", e.MAC, err)
	}
	err = r.nl.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name, MTU: n.mtu}, PeerName: "eth0", PeerNamespace: netlink.NsFd(ns), PeerHardwareAddr: mac})
	if err != nil {
		return fmt.Errorf("making the container's link: %w", err)
	}
	failpoint.Hit("network.attach.after-veth")
	l, err := r.nl.LinkByName(name)
	if err != nil {
		return err
	}
	if err := r.nl.LinkSetUp(l); err != nil {
		return err
	}
	if err := r.nl.RouteReplace(&netlink.Route{LinkIndex: l.Attrs().Index, Dst: ipNet(netip.PrefixFrom(e.Address, 32)), Scope: netlink.SCOPE_LINK}); err != nil {
		return fmt.Errorf("routing to the container: %w", err)
	}
	return inside(ns, e)
}

// inside sets up the container's own end.
func inside(ns netns.NsHandle, e engine.Endpoint) error {
	nl, err := netlink.NewHandleAt(ns)
	if err != nil {
		return err
	}
	defer nl.Close()
	lo, err := nl.LinkByName("lo")
	if err != nil {
		return err
	}
	eth, err := nl.LinkByName("eth0")
	if err != nil {
		return err
	}
	for _, do := range []func() error{
		func() error { return nl.LinkSetUp(lo) },
		func() error {
			return nl.AddrReplace(eth, &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(e.Address, engine.PrivatePrefix.Bits()))})
		},
		func() error { return nl.LinkSetUp(eth) },
		func() error {
			return nl.RouteReplace(&netlink.Route{LinkIndex: eth.Attrs().Index, Gw: engine.PrivateGateway.AsSlice()})
		},
	} {
		if err := do(); err != nil {
			return fmt.Errorf("setting up the container's network: %w", err)
		}
	}
	return nil
}

// DetachEndpoint implements engine.Networks.
func (n *Network) DetachEndpoint(_ context.Context, a account.Ref, containerID string) error {
	n.mu.Lock()
	r := n.routers[a.ID()]
	n.mu.Unlock()
	if r == nil {
		return a.Check() // no router, no link
	}
	l, err := r.nl.LinkByName(linkName(containerID))
	if err != nil {
		return nil //nolint:nilerr // it went with the process
	}
	if err := r.nl.LinkDel(l); err != nil && err != unix.ENODEV { //nolint:errorlint // netlink returns the bare number
		return fmt.Errorf("removing the container's link: %w", err)
	}
	return nil
}

// EndpointStats implements engine.Networks.
func (n *Network) EndpointStats(_ context.Context, a account.Ref, containerID string) (engine.NetStats, error) {
	r, err := n.router(a)
	if err != nil {
		return engine.NetStats{}, err
	}
	l, err := r.nl.LinkByName(linkName(containerID))
	if err != nil {
		return engine.NetStats{}, oops.NotFound("container %s has no link", containerID)
	}
	s := l.Attrs().Statistics
	if s == nil {
		return engine.NetStats{}, nil
	}
	// What the router receives is what the container sends.
	return engine.NetStats{
		RxBytes: s.TxBytes, RxPackets: s.TxPackets, RxErrors: s.TxErrors, RxDropped: s.TxDropped,
		TxBytes: s.RxBytes, TxPackets: s.RxPackets, TxErrors: s.RxErrors, TxDropped: s.RxDropped,
	}, nil
}
