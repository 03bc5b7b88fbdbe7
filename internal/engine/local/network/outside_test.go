package network

import (
	"net/netip"
	"os/exec"
	"testing"

	"github.com/vishvananda/netlink"
)

func TestContainersGetOut(t *testing.T) {
	l := newLab(t)
	a := l.account(0)
	plain, floating := a.run("plain", 10), a.run("floating", 11)
	a.at("floating").FloatingIP = netip.MustParseAddr("198.18.0.2")
	a.apply()
	serve(t, l.outside, ":80", "outside")
	rows := []heard{
		{"a container", plain.ns, "tcp4", outsideAddr + ":80", "outside " + machineAddr},
		{"by datagram", plain.ns, "udp4", outsideAddr + ":80", "outside " + machineAddr},
		{"one with a floating IP that means nothing outside", floating.ns, "tcp4", outsideAddr + ":80", "outside " + machineAddr},
	}
	l.hears(rows...)
	t.Run("past an iptables that drops what is forwarded", func(t *testing.T) {
		must(t, exec.Command("iptables", "-P", "FORWARD", "DROP").Run())
		defer func() { _ = exec.Command("iptables", "-P", "FORWARD", "ACCEPT").Run() }()
		if got := call(plain.ns, "tcp4", outsideAddr+":80"); got != "silence" {
			t.Fatalf("before the restart: %q", got)
		}
		l.restart()
		a.apply()
		l.hears(rows...)
	})
}

func TestRealFloatingIPs(t *testing.T) {
	l := newLab(t)
	l.config.FIPPools = pools("203.0.113.64/28")
	l.restart()
	a, b := l.account(0), l.account(1)
	web := a.run("web", 10)
	a.at("web").FloatingIP = netip.MustParseAddr("203.0.113.65")
	a.at("web").Ports = ports("tcp", 8080, 80)
	a.apply()
	serve(t, web.ns, ":80", "web")
	serve(t, l.outside, ":80", "outside")
	l.hears(
		heard{"out from the floating IP", web.ns, "tcp4", outsideAddr + ":80", "outside 203.0.113.65"},
		heard{"in from the same network", l.outside, "tcp4", "203.0.113.65:8080", "web " + outsideAddr},
		heard{"from the machine", l.machine, "tcp4", "203.0.113.65:8080", "web 100.64.0.0"},
	)
	proxies := func() int {
		ext, err := netlink.LinkByName("ext0")
		must(t, err)
		list, err := netlink.NeighProxyList(ext.Attrs().Index, netlink.FAMILY_V4)
		must(t, err)
		return len(list)
	}
	// The next account takes it over before this one knows.
	other := b.run("other", 10)
	serve(t, other.ns, ":80", "other")
	b.at("other").FloatingIP, b.at("other").Ports = a.at("web").FloatingIP, ports("tcp", 8080, 80)
	b.apply()
	a.at("web").FloatingIP = netip.Addr{}
	a.apply()
	l.hears(heard{"moved", l.outside, "tcp4", "203.0.113.65:8080", "other " + outsideAddr})
	if n := proxies(); n != 1 {
		t.Errorf("the machine answers ARP for %d addresses, want 1", n)
	}
	must(t, l.net.RemoveNetwork(t.Context(), b.ref))
	if n := proxies(); n != 0 {
		t.Errorf("the machine answers ARP for %d addresses, want none", n)
	}
}

func TestForbiddenDestinations(t *testing.T) {
	l := newLab(t)
	a, b := l.account(0), l.account(1)
	c, other := a.run("c", 10), b.run("c", 10)
	a.at("c").FloatingIP = netip.MustParseAddr("198.18.0.2")
	a.apply()
	serve(t, l.machine, ":22", "machine")
	serve(t, l.outside, ":80", "outside")
	serve(t, other.ns, ":22", "other account")
	must(t, netlink.RouteAdd(&netlink.Route{Dst: ipNet(netip.MustParsePrefix(metadata + "/32")), Gw: netip.MustParseAddr(outsideAddr).AsSlice()}))
	l.hears(heard{"metadata is there for the machine", l.machine, "tcp4", metadata + ":80", "outside " + machineAddr})
	l.hears(
		heard{"metadata", c.ns, "tcp4", metadata + ":80", "unreachable"},
		heard{"the machine's address", c.ns, "tcp4", machineAddr + ":22", "silence"},
		heard{"the machine's address by datagram", c.ns, "udp4", machineAddr + ":22", "silence"},
		heard{"the machine's end of the uplink", c.ns, "tcp4", "100.64.0.0:22", "unreachable"},
		heard{"the router's end", c.ns, "tcp4", "100.64.0.1:22", "refused"},
		heard{"another account's router", c.ns, "tcp4", "100.64.0.3:22", "unreachable"},
		heard{"another service of the gateway", c.ns, "tcp4", "172.16.0.1:22", "refused"},
		heard{"names on another address of the router", c.ns, "tcp4", "100.64.0.1:53", "refused"},
	)
	// The machine's rules hold without the router's.
	must(t, within(mustRouter(t, l, a), func() error {
		return applyRules("flush chain inet hyper forward\nadd rule inet hyper forward accept\n")
	}))
	l.hears(
		heard{"metadata, past the router", c.ns, "tcp4", metadata + ":80", "silence"},
		heard{"the machine's end of the uplink, past the router", c.ns, "tcp4", "100.64.0.0:22", "silence"},
		heard{"another account's router, past the router", c.ns, "tcp4", "100.64.0.3:22", "silence"},
		heard{"outside, past the router", c.ns, "tcp4", outsideAddr + ":80", "outside " + machineAddr},
	)
}

func TestAccountsAreApart(t *testing.T) {
	l := newLab(t)
	a, b := l.account(0), l.account(1)
	a1, a2 := a.run("one", 10), a.run("two", 11)
	b1, b2 := b.run("one", 10), b.run("two", 11)
	b.at("two").FloatingIP = netip.MustParseAddr("198.18.0.3")
	b.at("two").Ports = ports("tcp", 80, 80)
	b.apply()
	serve(t, a2.ns, ":80", "a2")
	serve(t, b2.ns, ":80", "b2")
	l.hears(
		heard{"the first account's neighbour", a1.ns, "tcp4", "172.16.0.11:80", "a2 172.16.0.10"},
		heard{"the second account's neighbour", b1.ns, "tcp4", "172.16.0.11:80", "b2 172.16.0.10"},
		heard{"a published port of the other", a1.ns, "tcp4", "198.18.0.3:80", "b2 100.64.0.1"},
		heard{"a port of the other that is not published", a1.ns, "tcp4", "198.18.0.3:81", "refused"},
	)
	a.at("one").FloatingIP = netip.MustParseAddr("198.18.0.2")
	a.apply()
	l.hears(heard{"from floating IP to floating IP", a1.ns, "tcp4", "198.18.0.3:80", "b2 198.18.0.2"})
}
