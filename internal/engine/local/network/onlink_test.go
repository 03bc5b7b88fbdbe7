package network

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/vishvananda/netlink"
	"go4.org/netipx"
)

// onLink is a lab whose floating IPs belong to the network between the machine and the host outside.
func onLink(t testing.TB) *lab {
	t.Helper()
	l := newLab(t)
	l.config.FIPPools = pools("203.0.113.64/28")
	l.restart()
	return l
}

const elsewhere = "02:00:00:00:00:99"

func TestOnLinkAddressesAreAnnounced(t *testing.T) {
	l := onLink(t)
	ext, err := netlink.LinkByName("ext0")
	must(t, err)
	mac := ext.Attrs().HardwareAddr.String()
	a := l.account(0)
	one, two := a.run("one", 10), a.run("two", 11)
	serve(t, one.ns, ":80", "one")
	serve(t, two.ns, ":80", "two")
	before := addresses(t)
	// Another machine had the address, and the host outside remembers.
	neighbour(t, l.outside, "eth0", "203.0.113.65", elsewhere, netlink.NUD_REACHABLE)
	wire := listen(t, l.outside, "eth0")
	fip := netip.MustParseAddr("203.0.113.65")
	a.at("one").FloatingIP, a.at("one").Ports = fip, ports("tcp", 80, 80)
	a.at("two").Ports = ports("tcp", 80, 80)
	a.apply()
	question, answer := "question 203.0.113.65 of 203.0.113.65", "answer 203.0.113.65 of 203.0.113.65"
	until(t, "the announcement", func() bool { return wire.heard(question) > 0 })
	l.hears(heard{"a host that remembered another machine", l.outside, "tcp4", "203.0.113.65:80", "one " + outsideAddr})
	until(t, "the repeated announcement", func() bool { return wire.heard(question) >= 4 && wire.heard(answer) >= 4 })

	t.Run("what is attached is answered for, and nothing else", func(t *testing.T) {
		if got := who(t, l.outside, "eth0", "203.0.113.65"); got != mac {
			t.Errorf("the attached one is at %q, want %s", got, mac)
		}
		for _, addr := range []string{"203.0.113.66", "203.0.113.64", "198.18.0.2", "172.16.0.10", "172.16.0.1", "100.64.0.1"} {
			if got := who(t, l.outside, "eth0", addr); got != "" {
				t.Errorf("%s is answered for, by %s", addr, got)
			}
		}
		if now := addresses(t); len(now) != len(before) {
			t.Errorf("the machine's addresses were %v and are %v", before, now)
		}
	})
	t.Run("whatever the interface is told of ARP for its own addresses", func(t *testing.T) {
		for name, value := range map[string]string{"arp_filter": "1", "arp_ignore": "2", "arp_announce": "2", "rp_filter": "1"} {
			sysctl(t, "conf/ext0/"+name, value)
			defer sysctl(t, "conf/ext0/"+name, "0")
		}
		if got := who(t, l.outside, "eth0", "203.0.113.65"); got != mac {
			t.Errorf("it is at %q, want %s", got, mac)
		}
	})
	t.Run("when it moves", func(t *testing.T) {
		asked := wire.heard(question)
		a.at("one").FloatingIP, a.at("two").FloatingIP = netip.Addr{}, fip
		a.apply()
		l.hears(heard{"from outside", l.outside, "tcp4", "203.0.113.65:80", "two " + outsideAddr})
		until(t, "an announcement", func() bool { return wire.heard(question) > asked })
	})
	t.Run("when the interface was down", func(t *testing.T) {
		must(t, netlink.LinkSetDown(ext))
		must(t, netlink.LinkSetUp(ext))
		until(t, "the answer", func() bool { return who(t, l.outside, "eth0", "203.0.113.65") == mac })
		must(t, netlink.RouteReplace(&netlink.Route{Dst: ipNet(everywhere), Gw: netip.MustParseAddr(outsideAddr).AsSlice()}))
		l.hears(heard{"from outside", l.outside, "tcp4", "203.0.113.65:80", "two " + outsideAddr})
	})
	t.Run("when the cable was pulled", func(t *testing.T) {
		h, err := netlink.NewHandleAt(l.outside)
		must(t, err)
		defer h.Close()
		eth, err := h.LinkByName("eth0")
		must(t, err)
		must(t, h.LinkSetDown(eth))
		must(t, h.LinkSetUp(eth))
		until(t, "the answer", func() bool { return who(t, l.outside, "eth0", "203.0.113.65") == mac })
	})
	t.Run("until it is taken away", func(t *testing.T) {
		a.at("two").FloatingIP = netip.Addr{}
		a.apply()
		if got := who(t, l.outside, "eth0", "203.0.113.65"); got != "" {
			t.Errorf("it is answered for, by %s", got)
		}
	})
}

// The network of a floating IP may come to be, and go to another interface, while hyperd runs.
func TestANetworkThatComes(t *testing.T) {
	l := newLab(t)
	l.config.FIPPools = pools("192.0.2.8-192.0.2.9")
	l.restart()
	a := l.account(0)
	web := a.run("web", 10)
	serve(t, web.ns, ":80", "web")
	a.at("web").FloatingIP, a.at("web").Ports = netip.MustParseAddr("192.0.2.8"), ports("tcp", 80, 80)
	a.apply()
	ext, err := netlink.LinkByName("ext0")
	must(t, err)
	second, err := netlink.ParseAddr("192.0.2.1/24")
	must(t, err)
	must(t, netlink.AddrAdd(ext, second))
	h, err := netlink.NewHandleAt(l.outside)
	must(t, err)
	defer h.Close()
	eth, err := h.LinkByName("eth0")
	must(t, err)
	must(t, h.AddrAdd(eth, &netlink.Addr{IPNet: ipNet(netip.MustParsePrefix("192.0.2.2/24"))}))
	until(t, "the answer", func() bool { return who(t, l.outside, "eth0", "192.0.2.8") == ext.Attrs().HardwareAddr.String() })
	l.hears(heard{"from outside", l.outside, "tcp4", "192.0.2.8:80", "web 192.0.2.2"})
}

func TestRoutedAddressesAreNotAnnounced(t *testing.T) {
	l := newLab(t)
	l.config.FIPPools = pools("192.0.2.0/28")
	l.restart()
	a := l.account(0)
	web := a.run("web", 10)
	serve(t, web.ns, ":80", "web")
	serve(t, l.outside, ":80", "outside")
	h, err := netlink.NewHandleAt(l.outside)
	must(t, err)
	defer h.Close()
	must(t, h.RouteAdd(&netlink.Route{Dst: ipNet(netip.MustParsePrefix("192.0.2.0/28")), Gw: netip.MustParseAddr(machineAddr).AsSlice()}))
	wire := listen(t, l.outside, "eth0")
	a.at("web").FloatingIP, a.at("web").Ports = netip.MustParseAddr("192.0.2.2"), ports("tcp", 80, 80)
	a.apply()
	l.hears(
		heard{"in", l.outside, "tcp4", "192.0.2.2:80", "web " + outsideAddr},
		heard{"out", web.ns, "tcp4", outsideAddr + ":80", "outside 192.0.2.2"},
		heard{"an address that nobody has, which does not go back and forth", l.outside, "tcp4", "192.0.2.3:80", "unreachable"},
	)
	if got := who(t, l.outside, "eth0", "192.0.2.2"); got != "" {
		t.Errorf("a routed address is answered for, by %s", got)
	}
	wire.mu.Lock()
	defer wire.mu.Unlock()
	if slices.ContainsFunc(wire.arps, func(s string) bool { return strings.Contains(s, "192.0.2.") }) {
		t.Errorf("said on the link: %v", wire.arps)
	}
}

func TestHeldElsewhere(t *testing.T) {
	l := onLink(t)
	h, err := netlink.NewHandleAt(l.outside)
	must(t, err)
	defer h.Close()
	eth, err := h.LinkByName("eth0")
	must(t, err)
	must(t, h.AddrAdd(eth, &netlink.Addr{IPNet: ipNet(netip.MustParsePrefix("203.0.113.70/32"))}))
	// As another hyperd answers for its floating IPs.
	must(t, within(l.outside, func() error { sysctl(t, "conf/eth0/forwarding", "1"); return nil }))
	must(t, h.NeighSet(proxy(eth.Attrs().Index, netip.MustParseAddr("203.0.113.71"))))
	must(t, within(l.outside, func() error { sysctl(t, "neigh/eth0/proxy_delay", "0"); return nil }))
	lo, err := h.LinkByName("lo")
	must(t, err)
	must(t, h.LinkSetUp(lo))
	must(t, h.RouteAdd(&netlink.Route{LinkIndex: lo.Attrs().Index, Dst: ipNet(netip.MustParsePrefix("203.0.113.71/32"))}))
	// As another hyperd on this machine has one of its own.
	must(t, netlink.RouteAdd(&netlink.Route{Dst: ipNet(netip.MustParsePrefix("203.0.113.72/32")), Gw: netip.MustParseAddr(outsideAddr).AsSlice()}))
	a := l.account(0)
	a.run("web", 10)
	a.at("web").FloatingIP = netip.MustParseAddr("203.0.113.73")
	a.apply()
	babble(t, l.outside, "eth0")
	asked := []netip.Addr{netip.MustParseAddr(machineAddr), netip.MustParseAddr(outsideAddr), netip.MustParseAddr("203.0.113.255"), netip.MustParseAddr("198.18.0.9"), netip.MustParseAddr("192.0.2.1")}
	for addr := netip.MustParseAddr("203.0.113.66"); addr != netip.MustParseAddr("203.0.113.80"); addr = addr.Next() {
		asked = append(asked, addr)
	}
	got, err := l.net.HeldElsewhere(t.Context(), asked)
	must(t, err)
	host := "the host with the hardware address " + eth.Attrs().HardwareAddr.String() + " on ext0"
	want := map[string]string{
		machineAddr: "this machine's own, on ext0", outsideAddr: "that of this machine's router on ext0", "203.0.113.255": "everybody's in the network 203.0.113.0/24, on ext0",
		"203.0.113.70": host, "203.0.113.71": host, "203.0.113.72": "what is routed to it on this machine, by ext0",
	}
	for addr, who := range got {
		if want[addr.String()] != who {
			t.Errorf("%s is said to be at %q, want %q", addr, who, want[addr.String()])
		}
	}
	if len(got) != len(want) {
		t.Errorf("found are %v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.net.HeldElsewhere(ctx, asked); err == nil {
		t.Error("a question that was given up has an answer")
	}
}

func TestPoolsThatTheMachineCannotGive(t *testing.T) {
	l := newLab(t)
	for name, tc := range map[string]struct {
		pool, without string
		says          string
	}{
		"its own address":            {"203.0.113.0/30", "203.0.113.0-203.0.113.0", "have the address 203.0.113.1, which is this machine's own, on ext0"},
		"its router":                 {"203.0.113.2-203.0.113.9", "", "203.0.113.2, which is that of this machine's router on ext0"},
		"the network's own":          {"203.0.113.0-203.0.113.0", "", "203.0.113.0, which is the address of the network 203.0.113.0/24 itself, on ext0"},
		"broadcast":                  {"203.0.113.250-203.0.114.3", "", "203.0.113.255, which is everybody's in the network 203.0.113.0/24, on ext0"},
		"the uplinks'":               {"100.64.255.0/24", "", "uplink pool 100.64.0.0/16"},
		"the accounts'":              {"172.16.4.0/24", "", "private network 172.16.0.0/16"},
		"another address of a range": {"203.0.113.10-203.0.113.20", "", ""},
		"what is left of it":         {"203.0.113.0/24", "203.0.113.0-203.0.113.2 203.0.113.255-203.0.113.255", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := l.config
			c.FIPPools, c.FIPs = pools(tc.pool), nil
			if tc.without != "" {
				var b netipx.IPSetBuilder
				b.AddRange(c.FIPPools[0])
				for _, s := range strings.Fields(tc.without) {
					b.RemoveRange(netipx.MustParseIPRange(s))
				}
				c.FIPs, _ = b.IPSet()
			}
			n, err := New(t.Context(), c)
			if err == nil {
				must(t, n.Close())
			}
			switch {
			case tc.says == "":
				must(t, err)
			case err == nil || !strings.Contains(err.Error(), tc.says) || !errdefs.IsConflict(err) && !errdefs.IsInvalidArgument(err):
				t.Errorf("error is %v", err)
			}
		})
	}
}
