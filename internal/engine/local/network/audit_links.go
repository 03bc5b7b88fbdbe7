package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/network/ruleset"
)

// auditLinks looks at the links of running containers, both ends, and for those of nobody. What is found has to be found each
// time, of processes that stayed, before it is reported.
func (n *Network) auditLinks(ctx context.Context, a account.Ref, r *router, out *report, meant func() engine.Routing) error {
	out.check("links")
	var found []string
	for look := range looks {
		now, err := n.lookAtLinks(a, r, meant)
		if err != nil {
			return err
		}
		if look == 0 {
			found = now
		} else {
			found = slices.DeleteFunc(found, func(s string) bool { return !slices.Contains(now, s) })
		}
		if len(found) == 0 {
			return nil
		}
		if look == looks-1 {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(betweenThem):
		}
	}
	for _, s := range found {
		out.drift("%s", s)
	}
	return nil
}

// lookAtLinks looks once.
func (n *Network) lookAtLinks(a account.Ref, r *router, meant func() engine.Routing) ([]string, error) {
	before := meant()
	links, err := whole(r.nl.LinkList)
	if err != nil {
		return nil, err
	}
	routes, err := routesOf(r.nl)
	if err != nil {
		return nil, err
	}
	byName := map[string]netlink.Link{}
	for _, l := range links {
		byName[l.Attrs().Name] = l
	}
	found := map[string][]string{} // by container
	state := routing(before)
	for _, p := range before.Running {
		if !slices.Contains(before.Moving, p.ContainerID) {
			if found[p.ContainerID], err = n.auditContainer(a, r, state.places(p.ContainerID), p, byName, routes); err != nil {
				return nil, err
			}
		}
	}
	after := meant()
	var out []string
	for _, p := range before.Running {
		same := routing(after)
		if slices.Contains(after.Running, p) && !slices.Contains(after.Moving, p.ContainerID) && slices.Equal(placed(state, p.ContainerID), placed(same, p.ContainerID)) {
			out = append(out, found[p.ContainerID]...)
		}
	}
	return append(out, strayLinks(byName, after)...), nil
}

// routing is what is meant, ready for questions. What was checked before it was applied need not be checked again.
func routing(m engine.Routing) *applied {
	s := &applied{NetworkState: m.NetworkState, networks: map[string]engine.PrivateNetwork{}, byID: map[string][]engine.Endpoint{}}
	for _, p := range m.All() {
		s.networks[p.ID] = p
	}
	for _, e := range m.Endpoints {
		s.byID[e.ContainerID] = append(s.byID[e.ContainerID], e)
	}
	return s
}

// placed is where a container is.
func placed(s *applied, id string) []string {
	var out []string
	for _, p := range s.places(id) {
		out = append(out, fmt.Sprint(p.Network, p.Interface, p.Address, p.net))
	}
	return out
}

// strayLinks reports those of no container that runs or is about to.
func strayLinks(links map[string]netlink.Link, m engine.Routing) []string {
	known := owners(m)
	var out []string
	for name := range links {
		if strings.HasPrefix(name, ruleset.Link) && !known[ownerOf(name)] {
			out = append(out, fmt.Sprintf("the router has a link %s that belongs to no running container", name))
		} else if !strings.HasPrefix(name, ruleset.Link) && name != ruleset.Uplink && name != "lo" && links[name].Type() == "veth" {
			out = append(out, fmt.Sprintf("the router has an interface %s that hyperd did not make", name))
		}
	}
	slices.Sort(out)
	return out
}

// owners are what the names of links may begin with.
func owners(m engine.Routing) map[string]bool {
	known := map[string]bool{}
	for _, p := range m.Running {
		known[linkName(p.ContainerID, 0)] = true
	}
	for _, id := range m.Moving {
		known[linkName(id, 0)] = true
	}
	return known
}

// auditContainer looks at the links of one that runs.
func (n *Network) auditContainer(a account.Ref, r *router, places []place, p engine.Process, links map[string]netlink.Link, routes []netlink.Route) ([]string, error) {
	if len(places) == 0 {
		return nil, nil
	}
	ns, err := namespaceOf(a, p.Pid)
	if err != nil {
		return nil, nil // it ended: that is no matter of networks
	}
	defer ns.Close()
	nl, err := netlink.NewHandleAt(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	defer nl.Close()
	in := &inside{nl, ns}
	out := &report{}
	out.check("")
	for _, at := range places {
		if err := r.auditLink(out, at, in, links, routes); err != nil {
			return nil, err
		}
	}
	if len(out.checks[0].Findings) == 0 {
		if err := in.auditLead(out, places); err != nil {
			return nil, err
		}
	}
	var found []string
	for _, f := range out.checks[0].Findings {
		found = append(found, f.Text)
	}
	return found, nil
}

// auditLink looks at the link of one place.
func (r *router) auditLink(out *report, at place, in *inside, links map[string]netlink.Link, routes []netlink.Route) error {
	name := linkName(at.ContainerID, at.Interface)
	what := fmt.Sprintf("%s of container %.12s", at.Device(), at.ContainerID)
	l := links[name]
	if l == nil || !in.has(at, l.Attrs()) {
		out.drift("%s is not connected with the account's router", what)
		return nil
	}
	if l.Attrs().Flags&net.FlagUp == 0 {
		out.drift("the router's end of %s, %s, is down", what, name)
		return nil
	}
	known, err := knows(r.nl, l, at.Address, at.MAC)
	if err != nil {
		return err
	}
	if !known {
		out.drift("the router has no permanent neighbour entry for %s, %s", what, at.Address)
	}
	var led bool
	for _, rt := range routes {
		if rt.LinkIndex != l.Attrs().Index {
			continue
		}
		if prefixIs(rt.Dst, netip.PrefixFrom(at.Address, 32)) {
			led = true
		} else {
			out.drift("the router has a route that hyperd did not make, to %s", routeText(rt, name))
		}
	}
	if !led {
		out.drift("the router has no route to %s, %s", what, at.Address)
	}
	return in.auditEnd(out, at, what)
}

// auditEnd looks at the container's end of a link.
func (in *inside) auditEnd(out *report, at place, what string) error {
	eth, err := in.LinkByName(at.Device())
	if err != nil {
		return absent(err) // it went away meanwhile, and so will the finding
	}
	if eth.Attrs().Flags&net.FlagUp == 0 {
		out.drift("%s is down", what)
		return nil
	}
	addrs, err := whole(func() ([]netlink.Addr, error) { return in.AddrList(eth, netlink.FAMILY_V4) })
	if err != nil {
		return err
	}
	own := netip.PrefixFrom(at.Address, at.net.Subnet.Bits())
	if !slices.ContainsFunc(addrs, func(a netlink.Addr) bool { return prefixIs(a.IPNet, own) }) {
		out.drift("%s lacks its address, %s", what, own)
		return nil
	}
	routes, err := routesOf(in.Handle)
	if err != nil {
		return err
	}
	for _, to := range []netip.Prefix{netip.PrefixFrom(at.net.Gateway, 32), at.net.Subnet} {
		if !slices.ContainsFunc(routes, func(rt netlink.Route) bool {
			return rt.LinkIndex == eth.Attrs().Index && prefixIs(rt.Dst, to)
		}) {
			out.drift("%s has no route to %s", what, to)
		}
	}
	return nil
}

// auditLead looks at a container's way to what is in none of its networks.
func (in *inside) auditLead(out *report, places []place) error {
	lead, to := places[0], nameServer
	if i := slices.IndexFunc(places, func(p place) bool { return !p.net.Internal }); i >= 0 {
		lead, to = places[i], everywhere
	}
	eth, err := in.LinkByName(lead.Device())
	if err != nil {
		return absent(err)
	}
	routes, err := routesOf(in.Handle)
	if err != nil {
		return err
	}
	if lead.net.Gateway == engine.PrivateGateway && to == nameServer {
		return nil // it is a neighbour
	}
	if slices.ContainsFunc(routes, func(rt netlink.Route) bool {
		return rt.LinkIndex == eth.Attrs().Index && rt.Gw.Equal(lead.net.Gateway.AsSlice()) && (prefixIs(rt.Dst, to) || to == everywhere && isDefault(rt))
	}) {
		return nil
	}
	if to == everywhere {
		out.drift("container %.12s has no default route by %s", lead.ContainerID, lead.net.Gateway)
	} else {
		out.drift("container %.12s has no route to where names are asked for, %s", lead.ContainerID, engine.PrivateGateway)
	}
	return nil
}

// mendLinks makes what running containers' links lack, and removes those of nobody.
func (n *Network) mendLinks(a account.Ref, r *router, meant func() engine.Routing) error {
	links, err := whole(r.nl.LinkList)
	if err != nil {
		return err
	}
	routes, err := routesOf(r.nl)
	if err != nil {
		return err
	}
	byName := map[string]netlink.Link{}
	for _, l := range links {
		byName[l.Attrs().Name] = l
	}
	now := meant()
	known, state := owners(now), routing(now)
	var errs []error
	for _, l := range links {
		name := l.Attrs().Name
		stray := strings.HasPrefix(name, ruleset.Link) && !known[ownerOf(name)]
		other := !strings.HasPrefix(name, ruleset.Link) && name != ruleset.Uplink && l.Type() == "veth"
		if stray || other {
			errs = append(errs, r.unlink(name))
		}
	}
	for _, p := range now.Running {
		if slices.Contains(now.Moving, p.ContainerID) {
			continue // somebody is at it
		}
		if found, err := n.auditContainer(a, r, state.places(p.ContainerID), p, byName, routes); err == nil && len(found) == 0 {
			continue
		}
		ns, err := namespaceOf(a, p.Pid)
		if err != nil {
			continue
		}
		err = r.attach(state.places(p.ContainerID), ns, n.mtu)
		ns.Close()
		if err != nil {
			errs = append(errs, fmt.Errorf("making the links of container %s: %w", p.ContainerID, err))
		}
	}
	return errors.Join(errs...)
}
