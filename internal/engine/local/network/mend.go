package network

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/network/ruleset"
)

// MendNetwork implements engine.Auditor. Each step does what is done when a router is opened and a state applied, whatever hyperd believes to be there.
func (n *Network) MendNetwork(ctx context.Context, a account.Ref, meant func() engine.Routing) error {
	if err := a.Check(); err != nil {
		return err
	}
	was := n.entry(a.ID())
	was.life.RLock()
	open := was.open
	was.life.RUnlock()
	if !open {
		m := meant()
		if len(m.Running) == 0 {
			return nil // it gets a router when a container starts
		}
		if err := n.ApplyNetwork(ctx, a, m.NetworkState); err != nil {
			return fmt.Errorf("making the account's router: %w", err)
		}
	}
	r, err := n.router(a)
	if err != nil {
		return err
	}
	defer r.life.RUnlock()
	if err := n.mendRouter(a, r, meant); err != nil {
		return err
	}
	return n.mendLinks(a, r, meant)
}

// mendRouter repairs all that ApplyNetwork makes, and keeps it from making anything meanwhile.
func (n *Network) mendRouter(a account.Ref, r *router, meant func() engine.Routing) error {
	r.apply.Lock()
	defer r.apply.Unlock()
	next, err := n.check(meant().NetworkState)
	if err != nil {
		return err
	}
	return steps("mending the account's router",
		func() error { return n.bind(a, r) },
		r.furnish,
		r.settle,
		func() error { return n.connect(a.Slot(), r) },
		func() error { return r.mendAddresses(n, a, next) },
		func() error { return r.removeRoutes(next) },
		func() error { return r.addGateways(next.Networks) },
		func() error { return n.mendRules(r, next) },
		func() error { return n.float(r, next, r.state.Load().movedTo(next)) },
		func() error { return n.mendNames(r, next) },
		func() error { return r.endConnections(r.state.Swap(next), next) }, // what was not applied may have taken something away
	)
}

// bind puts the namespace of the router back under its name.
func (n *Network) bind(a account.Ref, r *router) error {
	path := n.namespacePath(a.ID())
	if isNamespace(path) && r.at(path) {
		return nil
	}
	if err := removeNamespace(path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return err
	}
	f.Close()
	return unix.Mount(fmt.Sprintf("/proc/self/fd/%d", int(r.ns)), path, "", unix.MS_BIND, "")
}

// settle sets the switches of the links that are there.
func (r *router) settle() error {
	links, err := whole(r.nl.LinkList)
	if err != nil {
		return err
	}
	return within(r.ns, func() error {
		for _, l := range links {
			if !strings.HasPrefix(l.Attrs().Name, ruleset.Link) {
				continue
			}
			for _, s := range linkSettings {
				if err := os.WriteFile("/proc/sys/net/ipv4/conf/"+l.Attrs().Name+"/"+s.name, []byte(s.value), 0o644); err != nil && !os.IsNotExist(err) {
					return err
				}
			}
		}
		return nil
	})
}

// mendAddresses removes the uplink's addresses that hyperd did not give it, and the gateways of no network.
func (r *router) mendAddresses(n *Network, a account.Ref, next *applied) error {
	host, err := n.host.LinkByName(n.uplinkName(a.Slot()))
	if err != nil {
		return err
	}
	up, err := r.nl.LinkByName(ruleset.Uplink)
	if err != nil {
		return err
	}
	lo, err := r.nl.LinkByName("lo")
	if err != nil {
		return err
	}
	for _, end := range []struct {
		nl   *netlink.Handle
		link netlink.Link
		keep func(a netlink.Addr) bool
	}{
		{n.host, host, func(a netlink.Addr) bool { return a.IP.Equal(r.near.AsSlice()) }},
		{r.nl, up, func(a netlink.Addr) bool { return a.IP.Equal(r.far.AsSlice()) }},
		{r.nl, lo, func(a netlink.Addr) bool {
			p, ok := prefixOf(a.IPNet)
			return !ok || p.Addr().IsLoopback() || next.gateway(p.Addr())
		}},
	} {
		addrs, err := whole(func() ([]netlink.Addr, error) { return end.nl.AddrList(end.link, netlink.FAMILY_V4) })
		if err != nil {
			return err
		}
		for _, addr := range slices.DeleteFunc(addrs, end.keep) {
			if err := end.nl.AddrDel(end.link, &addr); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeRoutes removes the router's routes that hyperd did not make, and forgets which networks it is in, so that it is put into all.
func (r *router) removeRoutes(next *applied) error {
	routes, err := routesOf(r.nl)
	if err != nil {
		return err
	}
	links, err := whole(r.nl.LinkList)
	if err != nil {
		return err
	}
	names, addresses := map[int]string{}, map[string]place{}
	for _, l := range links {
		names[l.Attrs().Index] = l.Attrs().Name
	}
	subnets := map[string]bool{}
	for _, p := range next.All() {
		subnets[p.Subnet.String()] = true
	}
	for id := range next.byID {
		for _, p := range next.places(id) {
			addresses[linkName(id, p.Interface)] = p
		}
	}
	for _, rt := range routes {
		device := names[rt.LinkIndex]
		own := r.made(rt, device)
		if device == "lo" {
			own = rt.Gw == nil && rt.Dst != nil && subnets[rt.Dst.String()]
		}
		if p, ok := addresses[device]; ok && own {
			addr, _ := single(rt.Dst)
			own = addr == p.Address
		}
		if own {
			continue
		}
		if err := r.nl.RouteDel(&rt); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("removing the route to %s: %w", routeText(rt, device), err)
		}
	}
	clear(r.subnets)
	return nil
}

// mendRules puts the account's rules in force and removes all tables besides.
func (n *Network) mendRules(r *router, next *applied) error {
	rules := n.render(r, next.NetworkState)
	want, err := listed(rules)
	if err != nil {
		return err
	}
	is, err := rulesIn(r.ns)
	if err != nil {
		return err
	}
	found := &report{}
	found.check("")
	if found.differences(want, is); !found.wrong() {
		r.rules = rules
		return nil
	}
	text := rules
	for name := range is {
		if _, wanted := want[name]; !wanted && name == tableOf(name) {
			text += "delete table " + name + "\n"
		}
	}
	r.rules = ""
	if err := r.gen.replace(r.ns, text); err != nil {
		return fmt.Errorf("replacing the account's rules: %w", err)
	}
	r.rules = rules
	return nil
}

// mendNames makes the resolver anew unless it answers. Questions that are under way are asked again by who asked.
func (n *Network) mendNames(r *router, next *applied) error {
	r.names.Set(next.NetworkState)
	if r.serving && r.names.Serving() {
		return nil
	}
	r.names.Close()
	if err := within(r.ns, r.names.Serve); err != nil {
		return fmt.Errorf("serving the account's names: %w", err)
	}
	r.serving = true
	return nil
}
