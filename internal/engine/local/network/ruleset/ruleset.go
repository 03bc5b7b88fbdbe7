// Package ruleset renders nftables rules as a pure function of what they are for.
//
// Each line that is not obvious carries its reason, so that the text can be reviewed as documentation; golden files
// under testdata hold one text for each scenario.
package ruleset

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hypercloud/hyper/internal/engine"
)

// Uplink is the router's interface towards the machine, and Link the prefix of those towards containers.
const (
	Uplink = "up0"
	Link   = "v"
)

// Account renders the table of an account's router. linkOf names the router's interface of a container.
func Account(state engine.NetworkState, linkOf func(containerID string) string, uplinks netip.Prefix) string {
	eps := slices.Clone(state.Endpoints)
	slices.SortFunc(eps, func(x, y engine.Endpoint) int { return x.Address.Compare(y.Address) })
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("table inet hyper")
	line("delete table inet hyper")
	line("table inet hyper {")
	line("\tset endpoints {")
	line("\t\ttype ifname . ipv4_addr")
	if len(eps) > 0 {
		var el []string
		for _, e := range eps {
			el = append(el, fmt.Sprintf("%q . %s", linkOf(e.ContainerID), e.Address))
		}
		line("\t\telements = { %s }", strings.Join(el, ", "))
	}
	line("\t}")
	line("\tchain spoof {")
	line("\t\ttype filter hook prerouting priority raw; policy accept;")
	line("\t\tmeta nfproto ipv6 drop # the network is IPv4")
	line("\t\tiifname %q iifname . ip saddr != @endpoints drop # a container sends from its own address only", Link+"*")
	line("\t}")
	line("\tchain publish {")
	line("\t\ttype nat hook prerouting priority dstnat; policy accept;")
	for _, e := range eps {
		for _, p := range sortedPorts(e) {
			line("\t\tip daddr %s %s dport %d dnat ip to %s:%d # published", e.FloatingIP, p.Proto, p.Public, e.Address, p.Private)
		}
	}
	line("\t}")
	line("\tchain forward {")
	line("\t\ttype filter hook forward priority filter; policy drop;")
	line("\t\tct state established,related accept")
	line("\t\tct state invalid drop")
	line("\t\tiifname %q oifname %q accept # neighbours reach each other on all ports", Link+"*", Link+"*")
	line("\t\tiifname %q ct status dnat accept # from outside: what is published, and nothing else", Uplink)
	line("\t\tiifname %q meta l4proto tcp reject with tcp reset # a port that is not published looks closed", Uplink)
	line("\t\tiifname %q reject", Uplink)
	line("\t\tiifname %q ip daddr { 169.254.0.0/16, %s } reject # link-local services, and the routers' own links", Link+"*", uplinks)
	line("\t\tiifname %q oifname %q accept # outgoing", Link+"*", Uplink)
	line("\t}")
	line("\tchain input {")
	line("\t\ttype filter hook input priority filter; policy drop;")
	line("\t\tct state established,related accept")
	line("\t\tiifname %q ip daddr %s meta l4proto { tcp, udp } th dport 53 accept # names", Link+"*", engine.PrivateGateway)
	line("\t\tiifname %q icmp type echo-request accept # the gateway can be pinged", Link+"*")
	line("\t\tiifname %q meta l4proto tcp reject with tcp reset", Link+"*")
	line("\t}")
	line("\tchain masquerade {")
	line("\t\ttype nat hook postrouting priority srcnat; policy accept;")
	line("\t\toifname %q ip saddr %s ct status dnat snat ip to %s # a neighbour that calls a floating IP gets its answer from there", Link+"*", engine.PrivatePrefix, engine.PrivateGateway)
	for _, e := range eps {
		if e.FloatingIP.IsValid() {
			line("\t\toifname %q ip saddr %s snat ip to %s # leaves from its floating IP", Uplink, e.Address, e.FloatingIP)
		}
	}
	line("\t\toifname %q masquerade", Uplink)
	line("\t}")
	line("}")
	return b.String()
}

func sortedPorts(e engine.Endpoint) []engine.PublishedPort {
	if !e.FloatingIP.IsValid() {
		return nil
	}
	ports := slices.Clone(e.Ports)
	slices.SortFunc(ports, func(x, y engine.PublishedPort) int {
		return cmp.Or(cmp.Compare(x.Public, y.Public), cmp.Compare(x.Proto, y.Proto))
	})
	return ports
}

// Host renders the machine's own table: what accounts may not do to it, and how they get out.
func Host(table, uplink string, uplinks netip.Prefix, pools []netip.Prefix) string {
	nat := []string{uplinks.String()}
	bench := netip.MustParsePrefix("198.18.0.0/15")
	var all []string
	for _, p := range pools {
		all = append(all, p.String())
		if bench.Contains(p.Addr()) {
			nat = append(nat, p.String()) // never routed: it must not be seen outside
		}
	}
	fips := "{ " + strings.Join(all, ", ") + " }"
	up := uplink + "*"
	return fmt.Sprintf(`table inet %[1]s
delete table inet %[1]s
table inet %[1]s {
	chain input {
		type filter hook input priority filter - 1; policy accept;
		iifname %[2]q ct state established,related accept # answers to what the machine itself asked
		iifname %[2]q drop # the machine's own addresses are not for tenants
	}
	chain forward {
		type filter hook forward priority filter - 1; policy accept;
		iifname %[2]q ct state established,related accept
		iifname %[2]q ip daddr 169.254.0.0/16 drop # link-local services of the machine
		iifname %[2]q oifname %[2]q ip daddr != %[3]s drop # accounts meet through floating IPs only
		oifname %[2]q ip daddr %[4]s ct state new drop # nobody calls a router's own address
	}
	chain masquerade {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr { %[5]s } oifname != %[2]q masquerade # addresses that mean nothing outside this machine
	}
}
`, table, up, fips, uplinks, strings.Join(nat, ", "))
}
