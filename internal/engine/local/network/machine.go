package network

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine/local/network/ruleset"
	"github.com/hypercloud/hyper/internal/oops"
)

const forwarding = "/proc/sys/net/ipv4/ip_forward"

// prepare readies the machine: forwarding, its table, and what leads unused floating IPs nowhere.
func (n *Network) prepare(ctx context.Context) error {
	if err := n.collides(); err != nil {
		return err
	}
	if err := n.checkPools(); err != nil {
		return err
	}
	if n.mtu = n.cfg.MTU; n.mtu == 0 {
		n.mtu = n.outwardMTU()
	}
	if was, err := os.ReadFile(forwarding); err != nil || strings.TrimSpace(string(was)) != "1" {
		if err := os.WriteFile(forwarding, []byte("1"), 0o644); err != nil {
			return fmt.Errorf("turning on forwarding: %w", err)
		}
		n.cfg.Log.Warn("forwarding of IPv4 packets was off and is now on: the machine forwards between all of its networks unless a firewall forbids it")
	}
	if err := applyRules(n.hostRules()); err != nil {
		return fmt.Errorf("making the machine's firewall table: %w", err)
	}
	n.allowForwarding(ctx, true)
	return n.routeUnused(n.routed())
}

// hostRules is the text of the machine's own table.
func (n *Network) hostRules() string {
	return ruleset.Host(ruleset.Machine{Table: n.table(), Uplink: n.uplinkPrefix(), Uplinks: n.cfg.UplinkPool})
}

func (n *Network) table() string { return "hyper-" + n.cfg.Instance }

// collides refuses an uplink pool that another interface, such as that of another hyperd, has addresses of.
func (n *Network) collides() error {
	addrs, err := whole(func() ([]netlink.Addr, error) { return n.host.AddrList(nil, netlink.FAMILY_V4) })
	if err != nil {
		return fmt.Errorf("listing the machine's addresses: %w", err)
	}
	for _, a := range addrs {
		addr, _ := netip.AddrFromSlice(a.IP.To4())
		ones, _ := a.Mask.Size()
		if !netip.PrefixFrom(addr, ones).Overlaps(n.cfg.UplinkPool) {
			continue
		}
		l, err := n.host.LinkByIndex(a.LinkIndex)
		if err != nil || strings.HasPrefix(l.Attrs().Name, n.uplinkPrefix()) {
			continue
		}
		return oops.Conflict("uplink pool %s: interface %s has the address %s; choose a pool that nothing else on the machine uses", n.cfg.UplinkPool, l.Attrs().Name, a.IPNet)
	}
	return nil
}

// outwardMTU is that of the default route, or of its interface: what containers send fits without being cut on its first way out.
func (n *Network) outwardMTU() int {
	const usual = 1500
	routes, err := whole(func() ([]netlink.Route, error) { return n.host.RouteList(nil, netlink.FAMILY_V4) })
	if err != nil {
		return usual
	}
	mtu, metric := usual, -1
	for _, r := range routes {
		if r.Dst != nil && !r.Dst.IP.IsUnspecified() || metric >= 0 && r.Priority >= metric {
			continue
		}
		l, err := n.host.LinkByIndex(r.LinkIndex)
		if err != nil || l.Attrs().MTU <= 0 {
			continue
		}
		mtu, metric = l.Attrs().MTU, r.Priority
		if r.MTU > 0 {
			mtu = min(mtu, r.MTU)
		}
	}
	return min(max(mtu, 576), 65535) // what IPv4 takes
}

// routed covers the pools of floating IPs that are of no network of the machine's.
func (n *Network) routed() []netip.Prefix {
	routes, err := whole(func() ([]netlink.Route, error) { return n.host.RouteList(nil, netlink.FAMILY_V4) })
	if err != nil {
		return nil
	}
	var out []netip.Prefix
	for _, pool := range n.cfg.FIPPools {
		for _, p := range pool.Prefixes() {
			if !inUse(p, routes) {
				out = append(out, p)
			}
		}
	}
	return out
}

func inUse(pool netip.Prefix, routes []netlink.Route) bool {
	for _, r := range routes {
		if r.Dst == nil || r.Type != unix.RTN_UNICAST {
			continue
		}
		addr, _ := netip.AddrFromSlice(r.Dst.IP.To4())
		ones, _ := r.Dst.Mask.Size()
		if ones > 0 && ones < 32 && netip.PrefixFrom(addr, ones).Overlaps(pool) {
			return true
		}
	}
	return false
}

// routeUnused tells callers of the pools' unused addresses at once that there is nobody, instead of asking the machine's
// default gateway for them, which may have sent them here. Pools that are not named, of an earlier configuration, are let go of.
func (n *Network) routeUnused(pools []netip.Prefix) error {
	metric := n.metric()
	routes, err := n.nowhere()
	if err != nil {
		return err
	}
	for _, r := range routes {
		if err := n.host.RouteDel(&r); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("removing the route of unused floating IPs: %w", err)
		}
	}
	for _, p := range pools {
		if err := n.host.RouteReplace(&netlink.Route{Dst: ipNet(p), Type: unix.RTN_UNREACHABLE, Priority: metric}); err != nil {
			return fmt.Errorf("routing the unused floating IPs of %s nowhere: %w", p, err)
		}
	}
	return nil
}

// metric is that of this instance's routes to nowhere: high, so that any other route wins, and its own, so that it tells whose they are.
func (n *Network) metric() int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(n.cfg.Instance))
	return 1<<24 | int(h.Sum32()&0xffff)
}

// nowhere lists this instance's routes of unused floating IPs.
func (n *Network) nowhere() ([]netlink.Route, error) {
	routes, err := whole(func() ([]netlink.Route, error) {
		return n.host.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Type: unix.RTN_UNREACHABLE}, netlink.RT_FILTER_TYPE)
	})
	if err != nil {
		return nil, fmt.Errorf("listing the routes of unused floating IPs: %w", err)
	}
	return slices.DeleteFunc(routes, func(r netlink.Route) bool { return r.Priority != n.metric() }), nil
}

// allowForwarding gets the accounts' packets through an iptables FORWARD chain that drops by default, as Docker's
// and ufw's do: what one table drops no other can let through. It is best effort: a firewall that rebuilds its
// chains takes the rules away until hyperd starts again, and firewalld wants the interfaces in a zone of its own.
func (n *Network) allowForwarding(ctx context.Context, on bool) {
	for _, rule := range n.forwardRules(ctx) {
		verb := ""
		switch {
		case on && rule.needed && !rule.there:
			verb = "-I"
		case !on && rule.there:
			verb = "-D"
		default:
			continue
		}
		if out, err := exec.CommandContext(ctx, "iptables", append([]string{"-w", verb}, rule.spec...)...).CombinedOutput(); err != nil {
			n.cfg.Log.Warn("iptables drops forwarded packets, and the rule that lets the accounts' through could not be changed", "error", err, "output", strings.TrimSpace(string(out)))
		}
	}
}

// forwardRule is one in an iptables FORWARD chain that lets the accounts' packets through.
type forwardRule struct {
	spec          []string
	there, needed bool
}

// forwardRules looks for those in both directions. Without iptables, or its chain, there are none.
func (n *Network) forwardRules(ctx context.Context) []forwardRule {
	out, err := exec.CommandContext(ctx, "iptables", "-w", "-S", "FORWARD").Output()
	if err != nil {
		return nil
	}
	var list []forwardRule
	for _, dir := range []string{"-i", "-o"} {
		r := forwardRule{
			spec:   []string{"FORWARD", dir, n.uplinkPrefix() + "+", "-m", "comment", "--comment", n.table(), "-j", "ACCEPT"},
			needed: strings.HasPrefix(string(out), "-P FORWARD DROP"),
		}
		r.there = exec.CommandContext(ctx, "iptables", append([]string{"-w", "-C"}, r.spec...)...).Run() == nil
		list = append(list, r)
	}
	return list
}

// restore removes the machine's side of this instance, when there is no account left.
func (n *Network) restore(ctx context.Context) error {
	n.allowForwarding(ctx, false)
	return errors.Join(
		applyRules(fmt.Sprintf("table inet %[1]s\ndelete table inet %[1]s\n", n.table())),
		n.routeUnused(nil),
	)
}
