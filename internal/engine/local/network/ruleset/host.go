package ruleset

import "net/netip"

// benchmark is the range that is routed nowhere on the Internet; floating IPs from it mean something on this machine only.
var benchmark = netip.MustParsePrefix("198.18.0.0/15")

// MachineOnly tells that a floating IP means nothing outside this machine.
func MachineOnly(addr netip.Addr) bool { return benchmark.Contains(addr) }

// Machine is what the machine's own table depends on.
type Machine struct {
	Table   string       // its name
	Uplink  string       // prefix of the machine's interfaces towards routers
	Uplinks netip.Prefix // where these have their addresses
}

// Host renders the machine's own table: what accounts may not do to the machine and to each other, and how they get
// out. Chains stand just before the usual priorities; what they accept is still subject to the machine's other tables.
func Host(m Machine) string {
	up := m.Uplink + "*"
	t := &text{}
	t.table("inet "+m.Table, func() {
		t.block("chain spoof", func() {
			t.base("filter", "prerouting", "raw", "accept")
			t.line("iifname %q meta nfproto ipv6 drop # accounts' networks are IPv4", up)
			t.line("iifname %q fib saddr . iif oif missing drop # a router sends from its own address and its floating IPs only", up)
		})
		t.block("chain guard", func() {
			t.base("filter", "prerouting", "mangle", "accept")
			t.line("iifname != %q accept # what comes from no account is not this table's business", up)
			t.line("ct state established,related accept # answers to what the machine itself asked")
			t.line("fib daddr type { local, broadcast, anycast, multicast } drop # the machine's addresses are not for tenants, not even ports that other software forwards")
		})
		t.block("chain input", func() {
			t.base("filter", "input", "filter - 1", "accept")
			t.line("iifname != %q accept # as above", up)
			t.line("ct state established,related accept # as above")
			t.line("drop # nothing of the machine's own is for accounts, whatever another table translated an address to")
		})
		t.block("chain forward", func() {
			t.base("filter", "forward", "filter - 1", "accept")
			for _, way := range []string{"iifname", "oifname"} {
				t.line("%s %q tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu # for ways out that are narrower than the containers' links", way, up)
			}
			t.line("ct state established,related accept # answers, which are allowed by who asked")
			t.line("iifname %q ip daddr %s drop # link-local services of the machine or its cloud", up, linkLocal)
			t.line("oifname %q ip daddr %s drop # nobody calls a router: accounts meet at floating IPs, which have routes of their own", up, m.Uplinks)
		})
		t.block("chain source", func() {
			t.base("nat", "postrouting", "srcnat", "accept")
			t.line("oifname %q ip saddr %s masquerade # a caller in a network with the accounts' private addresses could not be answered", up, private)
			t.line("iifname %q oifname != %[1]q ip saddr { %s, %s } masquerade # addresses that mean nothing outside this machine", up, m.Uplinks, benchmark)
		})
	})
	return t.String()
}
