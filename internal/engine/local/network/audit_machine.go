package network

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"go4.org/netipx"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine"
)

// AuditMachine looks at the machine's side of the network: forwarding, its table, its routes of unused floating IPs, and what there is
// of accounts that there are not.
func (n *Network) AuditMachine(ctx context.Context, meant func() []engine.Owner) ([]engine.Check, error) {
	out := &report{}
	out.check("forwarding")
	if is, _ := setting("ipv4/ip_forward"); is != "1" {
		out.drift("the machine does not forward packets, since net.ipv4.ip_forward is %s: accounts reach nothing outside", is)
	}
	for _, r := range n.forwardRules(ctx) {
		if r.needed && !r.there {
			out.drift("iptables drops what the machine forwards, and its FORWARD chain lacks the rule that lets the accounts' packets through: %s", strings.Join(r.spec[1:], " "))
		}
	}
	out.check("firewall")
	if err := n.auditTable(out); err != nil {
		return nil, err
	}
	out.check("unused floating IPs")
	if err := n.auditNowhere(out); err != nil {
		return nil, err
	}
	out.check("nobody's network")
	left, err := n.leftOver(ctx, meant)
	for _, l := range left {
		out.drift("%s", l.text)
	}
	return out.checks, err
}

// auditTable looks at the machine's own table. Others are their owners' business.
func (n *Network) auditTable(out *report) error {
	want, err := listed(n.hostRules())
	if err != nil {
		return err
	}
	is, err := listRules("inet", n.table())
	if err != nil {
		return err
	}
	out.differences(want, is)
	return nil
}

// auditNowhere looks at the routes of unused floating IPs.
func (n *Network) auditNowhere(out *report) error {
	routes, err := n.nowhere()
	if err != nil {
		return err
	}
	pools := n.routed()
	for _, p := range pools {
		if !slices.ContainsFunc(routes, func(r netlink.Route) bool { return prefixIs(r.Dst, p) }) {
			out.drift("the machine does not say of unused floating IPs of %s that nobody has them, but asks its default gateway", p)
		}
	}
	for _, r := range routes {
		if p, _ := prefixOf(r.Dst); !slices.Contains(pools, p) {
			out.drift("the machine routes %s nowhere, which is no pool of floating IPs", r.Dst)
		}
	}
	return nil
}

// nobodys is something on the machine that bears the instance's name and belongs to no account.
type nobodys struct {
	text   string
	remove func() error
}

// leftOver lists what is nobody's, and stays it.
func (n *Network) leftOver(ctx context.Context, meant func() []engine.Owner) (out []nobodys, err error) {
	for end := time.Now().Add(n.aboutTo); ; {
		now, err := n.lookForLeftOver(meant)
		if err != nil {
			return nil, err
		}
		if out != nil {
			now = slices.DeleteFunc(now, func(x nobodys) bool {
				return !slices.ContainsFunc(out, func(y nobodys) bool { return x.text == y.text })
			})
		}
		if out = now; len(out) == 0 || time.Now().After(end) {
			return out, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(betweenThem):
		}
	}
}

// lookForLeftOver looks at the machine first, and then at what is meant: whatever is made was written down before.
func (n *Network) lookForLeftOver(meant func() []engine.Owner) ([]nobodys, error) {
	links, err := whole(n.host.LinkList)
	if err != nil {
		return nil, fmt.Errorf("listing the machine's interfaces: %w", err)
	}
	entries, err := os.ReadDir(filepath.Join(n.cfg.RunDir, "netns"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	answered := n.answers(links)
	accounts, uplinks, fips := map[string]bool{}, map[string]bool{}, map[netip.Addr]bool{}
	for _, o := range meant() {
		accounts[o.Account.ID()], uplinks[n.uplinkName(o.Account.Slot())] = true, true
		for _, addr := range o.FloatingIPs {
			fips[addr] = true
		}
	}
	var out []nobodys
	for _, l := range links {
		if name := l.Attrs().Name; strings.HasPrefix(name, n.uplinkPrefix()) && !uplinks[name] {
			out = append(out, nobodys{fmt.Sprintf("the machine has an uplink %s that belongs to no account", name), func() error { return n.removeUplink(name) }})
		}
	}
	for _, e := range entries {
		if name := e.Name(); !accounts[name] {
			out = append(out, nobodys{fmt.Sprintf("there is a router's network namespace %s that belongs to no account", n.namespacePath(name)), func() error { return n.remove(name, "") }})
		}
	}
	for _, p := range answered {
		if !fips[p.addr] {
			out = append(out, nobodys{fmt.Sprintf("the machine answers ARP on %s for floating IP %s, which no container has", p.link.Attrs().Name, p.addr), func() error {
				if err := n.host.NeighDel(proxy(p.link.Attrs().Index, p.addr)); err != nil && !errors.Is(err, unix.ENOENT) {
					return err
				}
				return nil
			}})
		}
	}
	return out, nil
}

// answer is an address that the machine answers ARP for.
type answer struct {
	link netlink.Link
	addr netip.Addr
}

// answers lists the addresses of the pools of floating IPs that the machine answers ARP for.
func (n *Network) answers(links []netlink.Link) []answer {
	var out []answer
	for _, l := range links {
		for _, addr := range slices.SortedFunc(maps.Keys(n.answered(l.Attrs().Index)), netip.Addr.Compare) {
			if slices.ContainsFunc(n.cfg.FIPPools, func(r netipx.IPRange) bool { return r.Contains(addr) }) {
				out = append(out, answer{l, addr})
			}
		}
	}
	return out
}

// MendMachine puts the machine's side of the network back and removes what is nobody's. What somebody is about to remove may be removed first.
func (n *Network) MendMachine(ctx context.Context, meant func() []engine.Owner) error {
	errs := []error{os.WriteFile(forwarding, []byte("1"), 0o644)}
	found := &report{}
	found.check("")
	if err := n.auditTable(found); err != nil || found.wrong() {
		errs = append(errs, applyRules(n.hostRules()))
	}
	n.allowForwarding(ctx, true)
	found = &report{}
	found.check("")
	if err := n.auditNowhere(found); err != nil || found.wrong() {
		errs = append(errs, n.routeUnused(n.routed()))
	}
	left, err := n.lookForLeftOver(meant)
	errs = append(errs, err)
	for _, l := range left {
		errs = append(errs, l.remove())
	}
	return errors.Join(errs...)
}
