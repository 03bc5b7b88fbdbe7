package network

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
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
	n.mtu = n.smallestMTU()
	if was, err := os.ReadFile(forwarding); err != nil || strings.TrimSpace(string(was)) != "1" {
		if err := os.WriteFile(forwarding, []byte("1"), 0o644); err != nil {
			return fmt.Errorf("turning on forwarding: %w", err)
		}
		n.cfg.Log.Warn("forwarding of IPv4 packets was off and is now on: the machine forwards between all of its networks unless a firewall forbids it")
	}
	rules := ruleset.Host(ruleset.Machine{Table: n.table(), Uplink: n.uplinkPrefix(), Uplinks: n.cfg.UplinkPool, Pools: n.cfg.FIPPool})
	if err := applyRules(rules); err != nil {
		return fmt.Errorf("making the machine's firewall table: %w", err)
	}
	for _, p := range n.machineOnly() {
		if err := n.host.RouteReplace(nowhere(p)); err != nil {
			return fmt.Errorf("routing the unused floating IPs of %s nowhere: %w", p, err)
		}
	}
	n.allowForwarding(ctx, true)
	return nil
}

func (n *Network) table() string { return "hyper-" + n.cfg.Instance }

// collides refuses an uplink pool that another interface, such as that of another hyperd, has addresses of.
func (n *Network) collides() error {
	addrs, err := n.host.AddrList(nil, netlink.FAMILY_V4)
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

// smallestMTU is that of the interface with the default route, at most 1500.
func (n *Network) smallestMTU() int {
	const usual = 1500
	routes, err := n.host.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return usual
	}
	mtu, metric := usual, -1
	for _, r := range routes {
		if r.Dst != nil && !r.Dst.IP.IsUnspecified() || metric >= 0 && r.Priority >= metric {
			continue
		}
		if l, err := n.host.LinkByIndex(r.LinkIndex); err == nil && l.Attrs().MTU > 0 {
			mtu, metric = min(l.Attrs().MTU, usual), r.Priority
		}
	}
	return mtu
}

// machineOnly lists the pools of floating IPs that mean nothing outside and that the machine has no other use for.
func (n *Network) machineOnly() []netip.Prefix {
	routes, err := n.host.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil
	}
	var out []netip.Prefix
	for _, p := range n.cfg.FIPPool {
		if ruleset.MachineOnly(p) && !used(p.Masked(), routes) {
			out = append(out, p.Masked())
		}
	}
	return out
}

func used(pool netip.Prefix, routes []netlink.Route) bool {
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

// nowhere tells callers of a pool's unused addresses so at once, instead of asking the machine's default gateway for them.
func nowhere(pool netip.Prefix) *netlink.Route {
	return &netlink.Route{Dst: ipNet(pool), Type: unix.RTN_UNREACHABLE, Priority: 1 << 24}
}

// allowForwarding gets the accounts' packets through an iptables FORWARD chain that drops by default, as Docker's
// and ufw's do: what one table drops no other can let through. It is best effort: a firewall that rebuilds its
// chains takes the rules away until hyperd starts again, and firewalld wants the interfaces in a zone of its own.
func (n *Network) allowForwarding(ctx context.Context, on bool) {
	out, err := exec.CommandContext(ctx, "iptables", "-w", "-S", "FORWARD").Output()
	if err != nil {
		return // no iptables, no such chain
	}
	dropped := strings.HasPrefix(string(out), "-P FORWARD DROP")
	for _, dir := range []string{"-i", "-o"} {
		rule := []string{"FORWARD", dir, n.uplinkPrefix() + "+", "-m", "comment", "--comment", n.table(), "-j", "ACCEPT"}
		there := exec.CommandContext(ctx, "iptables", append([]string{"-w", "-C"}, rule...)...).Run() == nil
		var verb string
		switch {
		case on && dropped && !there:
			verb = "-I"
		case !on && there:
			verb = "-D"
		default:
			continue
		}
		if out, err := exec.CommandContext(ctx, "iptables", append([]string{"-w", verb}, rule...)...).CombinedOutput(); err != nil {
			n.cfg.Log.Warn("iptables drops forwarded packets, and the rule that lets the accounts' through could not be changed", "error", err, "output", strings.TrimSpace(string(out)))
		}
	}
}

// restore removes the machine's side of this instance, when there is no account left.
func (n *Network) restore(ctx context.Context) error {
	n.allowForwarding(ctx, false)
	errs := []error{applyRules(fmt.Sprintf("table inet %[1]s\ndelete table inet %[1]s\n", n.table()))}
	for _, p := range n.cfg.FIPPool {
		if !ruleset.MachineOnly(p) {
			continue
		}
		if err := n.host.RouteDel(nowhere(p.Masked())); err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
