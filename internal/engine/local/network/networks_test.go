package network

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/miekg/dns"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"github.com/hypercloud/hyper/internal/engine"
)

// network adds a network to the state.
func (a *tenant) network(id, subnet string, internal bool) {
	p := netip.MustParsePrefix(subnet)
	a.state.Networks = append(a.state.Networks, engine.PrivateNetwork{ID: id, Subnet: p, Gateway: p.Addr().Next(), Internal: internal})
}

// on adds a container's place in a network; "" is the account's own.
func (a *tenant) on(name, network, addr string, eth int, names ...string) {
	ip := netip.MustParseAddr(addr)
	a.state.Endpoints = append(a.state.Endpoints, engine.Endpoint{
		ContainerID: a.id(name), Network: network, Interface: eth, Address: ip, MAC: macOf(ip).String(), Names: append([]string{name}, names...),
	})
}

// off takes it away.
func (a *tenant) off(name, network string) {
	for i, e := range a.state.Endpoints {
		if e.ContainerID == a.id(name) && e.Network == network {
			a.state.Endpoints = append(a.state.Endpoints[:i:i], a.state.Endpoints[i+1:]...)
			return
		}
	}
	a.lab.Fatalf("%s is not in %s", name, network)
}

func (a *tenant) id(name string) string { return fmt.Sprintf("%s%060d", name, a.ref.Slot()) }

// attach starts a container that is in the state, with a server that tells who calls.
func (a *tenant) attach(name string) *container {
	a.lab.Helper()
	a.apply()
	c := process(a.lab.TB, a.ref)
	c.id = a.id(name)
	must(a.lab.TB, a.lab.net.AttachEndpoints(context.Background(), a.ref, c.id, c.pid))
	serve(a.lab.TB, c.ns, ":80", name)
	return c
}

// again makes the state true for a container that runs.
func (a *tenant) again(c *container) {
	a.lab.Helper()
	a.apply()
	must(a.lab.TB, a.lab.net.AttachEndpoints(context.Background(), a.ref, c.id, c.pid))
}

// asks looks a name up as a container does.
func asks(t testing.TB, ns netns.NsHandle, name string) (answer string) {
	t.Helper()
	must(t, within(ns, func() error {
		c, err := dns.DialTimeout("udp4", "172.16.0.1:53", time.Second)
		if err != nil {
			return err
		}
		defer c.Close()
		must(t, c.SetDeadline(time.Now().Add(5*time.Second)))
		must(t, c.WriteMsg(new(dns.Msg).SetQuestion(name, dns.TypeA)))
		in, err := c.ReadMsg()
		if err != nil {
			return err
		}
		answer = dns.RcodeToString[in.Rcode]
		for _, rr := range in.Answer {
			answer += " " + rr.String()[len(rr.Header().String()):]
		}
		return nil
	}))
	return answer
}

func devices(t testing.TB, ns netns.NsHandle) string {
	t.Helper()
	nl, err := netlink.NewHandleAt(ns)
	must(t, err)
	defer nl.Close()
	links, err := nl.LinkList()
	must(t, err)
	var out []string
	for _, l := range links {
		if l.Type() == "veth" {
			out = append(out, l.Attrs().Name)
		}
	}
	return strings.Join(out, " ")
}

// twoTiers is an account with a front network, an internal back network, and its own:
//
//	web: front, back   db: back   lone: back   other: the account's own
func twoTiers(l *lab) (a *tenant, web, db, lone, other *container) {
	l.Helper()
	a = l.account(0)
	a.network("front", "172.24.0.0/20", false)
	a.network("back", "10.1.2.0/24", true)
	a.on("web", "front", "172.24.0.2", 0)
	a.on("web", "back", "10.1.2.2", 1)
	a.on("db", "back", "10.1.2.3", 0, "data")
	a.on("lone", "back", "10.1.2.4", 0, "data")
	a.on("other", "", "172.16.0.10", 0)
	return a, a.attach("web"), a.attach("db"), a.attach("lone"), a.attach("other")
}

func TestNetworksOfAnAccountAreApart(t *testing.T) {
	l := newLab(t)
	a, web, db, _, other := twoTiers(l)
	serve(t, l.outside, ":80", "outside")
	l.hears(
		heard{"neighbours in an internal network", db.ns, "tcp4", "10.1.2.2:80", "web 10.1.2.3"},
		heard{"and the other way", web.ns, "tcp4", "10.1.2.3:80", "db 10.1.2.2"},
		heard{"out of an open network", web.ns, "tcp4", outsideAddr + ":80", "outside " + machineAddr},
		heard{"out of an internal network", db.ns, "tcp4", outsideAddr + ":80", "unreachable"},
		heard{"from the account's own network to a further one", other.ns, "tcp4", "172.24.0.2:80", "unreachable"},
		heard{"to an internal one", other.ns, "tcp4", "10.1.2.3:80", "unreachable"},
		heard{"from a further network to the account's own", web.ns, "tcp4", "172.16.0.10:80", "unreachable"},
		heard{"from an internal network to the account's own", db.ns, "tcp4", "172.16.0.10:80", "unreachable"},
		heard{"to the other address of a container that is in both", db.ns, "tcp4", "172.24.0.2:80", "unreachable"},
		heard{"to an address that nobody has", web.ns, "tcp4", "10.1.2.99:80", "unreachable"},
		heard{"by datagram", other.ns, "udp4", "10.1.2.3:80", "unreachable"},
	)
	// A container without a default route that makes itself one is held by the rules.
	must(t, within(db.ns, func() error {
		nl, err := netlink.NewHandleAt(db.ns)
		if err != nil {
			return err
		}
		defer nl.Close()
		eth, err := nl.LinkByName("eth0")
		if err != nil {
			return err
		}
		return nl.RouteReplace(&netlink.Route{LinkIndex: eth.Attrs().Index, Dst: ipNet(everywhere), Gw: netip.MustParseAddr("10.1.2.1").AsSlice()})
	}))
	a.state.Endpoints[4].FloatingIP, a.state.Endpoints[4].Ports = netip.MustParseAddr("198.18.0.9"), ports("tcp", 80, 80)
	a.apply()
	l.hears(
		heard{"out of an internal network by a route of its own", db.ns, "tcp4", outsideAddr + ":80", "unreachable"},
		heard{"to the account's own network", db.ns, "tcp4", "172.16.0.10:80", "unreachable"},
		heard{"to a published port of the account's own network", db.ns, "tcp4", "198.18.0.9:80", "unreachable"},
		heard{"which an open network reaches", web.ns, "tcp4", "198.18.0.9:80", "other 172.24.0.2"},
	)
	for _, gateway := range []string{"10.1.2.1", "172.16.0.1"} {
		if err := ping(db.ns, gateway); err != nil {
			t.Errorf("the gateway %s does not answer: %v", gateway, err)
		}
	}
}

func TestFloatingIPOfAContainerInAFurtherNetwork(t *testing.T) {
	l := newLab(t)
	a, web, _, _, other := twoTiers(l)
	serve(t, l.outside, ":80", "outside")
	a.state.Endpoints[0].FloatingIP, a.state.Endpoints[0].Ports = netip.MustParseAddr("198.18.0.2"), ports("tcp", 8080, 80)
	a.apply()
	l.hears(
		heard{"from outside", l.outside, "tcp4", "198.18.0.2:8080", "web " + outsideAddr},
		heard{"from another network of the account", other.ns, "tcp4", "198.18.0.2:8080", "web 172.16.0.10"},
		heard{"from the container itself", web.ns, "tcp4", "198.18.0.2:8080", "web 172.24.0.1"},
		heard{"to the outside", web.ns, "tcp4", outsideAddr + ":80", "outside " + machineAddr}, // of an address that means nothing there
	)
	// A caller in another network that the container is in, too: the answer would go by that one.
	a.network("side", "172.25.0.0/20", false)
	a.on("web", "side", "172.25.0.2", 2)
	a.again(web)
	a.on("caller", "side", "172.25.0.9", 0)
	caller := a.attach("caller")
	l.hears(
		heard{"a floating IP from a network that both are in", caller.ns, "tcp4", "198.18.0.2:8080", "web 172.24.0.1"},
		heard{"the same by datagram", caller.ns, "udp4", "198.18.0.2:9", "refused"},
		heard{"directly", caller.ns, "tcp4", "172.25.0.2:80", "web 172.25.0.9"},
	)
	bad := a.state
	bad.Endpoints = append([]engine.Endpoint(nil), a.state.Endpoints...)
	bad.Endpoints[2].FloatingIP = netip.MustParseAddr("198.18.0.3")
	if err := l.net.ApplyNetwork(t.Context(), a.ref, bad); !errdefs.IsInvalidArgument(err) {
		t.Errorf("a floating IP in an internal network: %v", err)
	}
}

func TestNamesByNetwork(t *testing.T) {
	l := newLab(t)
	a, web, db, lone, other := twoTiers(l)
	a.state.Endpoints[1].Links = map[string]string{"store": "DB"} // web's, in back
	a.state.Endpoints[3].Idle = true                              // lone
	a.apply()
	p, err := net.ListenPacket("udp4", "127.0.0.1:5353")
	must(t, err)
	up := &dns.Server{PacketConn: p, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		rr, _ := dns.NewRR(q.Question[0].Name + " 60 IN A 192.0.2.99")
		m := new(dns.Msg).SetReply(q)
		m.Answer = append(m.Answer, rr)
		_ = w.WriteMsg(m)
	})}
	go func() { _ = up.ActivateAndServe() }()
	t.Cleanup(func() { _ = p.Close() })
	for _, tc := range []struct {
		what string
		from *container
		name string
		want string
	}{
		{"a neighbour", web, "db.", "NOERROR 10.1.2.3"},
		{"a neighbour, of two networks", db, "web.", "NOERROR 10.1.2.2"},
		{"itself, by its first network", web, "web.", "NOERROR 172.24.0.2"},
		{"an alias of two, of which one runs", web, "data.", "NOERROR 10.1.2.3"},
		{"one that does not run", web, "lone.", "NOERROR 10.1.2.4"},
		{"a link", web, "store.", "NOERROR 10.1.2.3"},
		{"the link of another", db, "store.", "NXDOMAIN"},
		{"a name of another network", other, "db.", "NXDOMAIN"},
		{"a name of another network", db, "other.", "NXDOMAIN"},
		{"a name of the world", web, "example.org.", "NOERROR 192.0.2.99"},
		{"a name of the world from an internal network", db, "example.org.", "NXDOMAIN"},
	} {
		if got := asks(t, tc.from.ns, tc.name); got != tc.want {
			t.Errorf("%s (%s): %q, want %q", tc.what, tc.name, got, tc.want)
		}
	}
	a.state.Endpoints[3].Idle = false
	a.apply()
	if got := asks(t, web.ns, "data."); got != "NOERROR 10.1.2.3 10.1.2.4" && got != "NOERROR 10.1.2.4 10.1.2.3" {
		t.Errorf("an alias of two that run: %q", got)
	}
	_ = lone
}

func TestContainersComeAndGoWhileTheyRun(t *testing.T) {
	l := newLab(t)
	a, web, db, _, other := twoTiers(l)
	serve(t, l.outside, ":80", "outside")
	kept, err := dial(web.ns, "tcp4", "10.1.2.3:80")
	must(t, err)
	defer kept.Close()

	a.on("other", "back", "10.1.2.10", 1)
	a.again(other)
	if got := devices(t, other.ns); got != "eth0 eth1" {
		t.Errorf("the interfaces are %s", got)
	}
	l.hears(
		heard{"from the network that it joined", db.ns, "tcp4", "10.1.2.10:80", "other 10.1.2.3"},
		heard{"and back", other.ns, "tcp4", "10.1.2.3:80", "db 10.1.2.10"},
		heard{"out as before", other.ns, "tcp4", outsideAddr + ":80", "outside " + machineAddr},
	)
	ends, err := dial(other.ns, "tcp4", "10.1.2.3:80")
	must(t, err)
	defer ends.Close()

	a.off("other", "back")
	a.again(other)
	if got := devices(t, other.ns); got != "eth0" {
		t.Errorf("after leaving, the interfaces are %s", got)
	}
	l.hears(
		heard{"to who has left", db.ns, "tcp4", "10.1.2.10:80", "unreachable"},
		heard{"from who has left", other.ns, "tcp4", "10.1.2.3:80", "unreachable"},
	)
	if ends.echo() == nil {
		t.Error("a connection outlives the container's place in the network")
	}

	a.on("db", "front", "172.24.0.9", 1)
	a.again(db)
	l.hears(heard{"out of the network that it joined", db.ns, "tcp4", outsideAddr + ":80", "outside " + machineAddr})
	a.off("db", "front")
	a.again(db)
	l.hears(heard{"and no more", db.ns, "tcp4", outsideAddr + ":80", "unreachable"})

	a.off("other", "")
	a.again(other)
	if got := devices(t, other.ns); got != "" {
		t.Errorf("in no network, the interfaces are %s", got)
	}
	a.on("other", "front", "172.24.0.10", 0)
	a.again(other)
	l.hears(
		heard{"out of another network", other.ns, "tcp4", outsideAddr + ":80", "outside " + machineAddr},
		heard{"to a neighbour there", other.ns, "tcp4", "172.24.0.2:80", "web 172.24.0.10"},
	)
	if err := kept.echo(); err != nil {
		t.Errorf("a connection that nothing of this concerns: %v", err)
	}
}

func TestRouterLeavesNetworksThatAreGone(t *testing.T) {
	l := newLab(t)
	a, web, _, _, _ := twoTiers(l)
	carries := func() string {
		r, err := l.net.router(a.ref)
		must(t, err)
		defer r.life.RUnlock()
		lo, err := r.nl.LinkByName("lo")
		must(t, err)
		known, err := r.carried(lo)
		must(t, err)
		if fmt.Sprint(known) != fmt.Sprint(r.subnets) {
			t.Errorf("the router is in %v, and thinks in %v", known, r.subnets)
		}
		return fmt.Sprint(known)
	}
	if got := carries(); got != "map[10.1.2.0/24:10.1.2.1 172.24.0.0/20:172.24.0.1]" {
		t.Errorf("the router is in %s", got)
	}
	open, err := dial(web.ns, "tcp4", "10.1.2.3:80")
	must(t, err)
	defer open.Close()
	l.restart()
	must(t, l.net.Reap(t.Context(), []engine.Keep{{Account: a.ref, Containers: []string{a.id("web"), a.id("db"), a.id("lone"), a.id("other")}}}))
	a.apply()
	must(t, l.net.AttachEndpoints(t.Context(), a.ref, web.id, web.pid))
	if err := open.echo(); err != nil {
		t.Errorf("with the next hyperd: %v", err)
	}
	// A network that takes the place of another, with a gateway in common.
	l.restart()
	a.state = engine.NetworkState{}
	a.network("new", "10.1.0.0/16", false)
	a.state.Networks[0].Gateway = netip.MustParseAddr("10.1.2.1")
	a.apply()
	if got := carries(); got != "map[10.1.0.0/16:10.1.2.1]" {
		t.Errorf("the router is in %s", got)
	}
	a.state.Networks[0].Gateway = netip.MustParseAddr("10.1.0.1")
	a.apply()
	if got := carries(); got != "map[10.1.0.0/16:10.1.0.1]" {
		t.Errorf("with another gateway the router is in %s", got)
	}
	a.state.Networks = nil
	a.apply()
	if got := carries(); got != "map[]" {
		t.Errorf("in the end the router is in %s", got)
	}
}

func TestStatesThatNoNetworkIsMadeOf(t *testing.T) {
	network := func(id, subnet, gateway string) engine.PrivateNetwork {
		return engine.PrivateNetwork{ID: id, Subnet: netip.MustParsePrefix(subnet), Gateway: netip.MustParseAddr(gateway)}
	}
	place := func(network string, eth int, addr string) engine.Endpoint {
		ip := netip.MustParseAddr(addr)
		return engine.Endpoint{ContainerID: "c", Network: network, Interface: eth, Address: ip, MAC: "02:42:ac:10:00:0a"}
	}
	good := engine.NetworkState{
		Networks:  []engine.PrivateNetwork{network("n", "10.0.0.0/8", "10.0.0.1")},
		Endpoints: []engine.Endpoint{place("", 0, "172.16.0.10"), place("n", 1, "10.0.0.2")},
	}
	if _, err := aNetwork.check(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(s *engine.NetworkState){
		"a subnet with bits beyond its size": func(s *engine.NetworkState) { s.Networks[0].Subnet = netip.MustParsePrefix("10.0.0.1/8") },
		"a subnet of the account's own":      func(s *engine.NetworkState) { s.Networks[0] = network("n", "172.16.8.0/24", "172.16.8.1") },
		"a subnet of another":                func(s *engine.NetworkState) { s.Networks = append(s.Networks, network("m", "10.1.0.0/16", "10.1.0.1")) },
		"the uplinks' addresses":             func(s *engine.NetworkState) { s.Networks[0] = network("n", "100.64.0.0/10", "100.64.0.1") },
		"the same id":                        func(s *engine.NetworkState) { s.Networks = append(s.Networks, network("n", "11.0.0.0/8", "11.0.0.1")) },
		"a gateway from elsewhere":           func(s *engine.NetworkState) { s.Networks[0].Gateway = netip.MustParseAddr("11.0.0.1") },
		"no subnet":                          func(s *engine.NetworkState) { s.Networks[0].Subnet = netip.Prefix{} },
		"IPv6":                               func(s *engine.NetworkState) { s.Networks[0] = network("n", "fd00::/64", "fd00::1") },
		"a network that is not there":        func(s *engine.NetworkState) { s.Endpoints[1].Network = "m" },
		"an address of another network":      func(s *engine.NetworkState) { s.Endpoints[1].Address = netip.MustParseAddr("11.0.0.2") },
		"the gateway's address":              func(s *engine.NetworkState) { s.Endpoints[1].Address = netip.MustParseAddr("10.0.0.1") },
		"one interface for two":              func(s *engine.NetworkState) { s.Endpoints[1].Interface = 0 },
		"an interface with a long number":    func(s *engine.NetworkState) { s.Endpoints[1].Interface = 256 },
		"one network twice":                  func(s *engine.NetworkState) { s.Endpoints = append(s.Endpoints, place("n", 2, "10.0.0.3")) },
	} {
		t.Run(name, func(t *testing.T) {
			bad := engine.NetworkState{
				Networks: append([]engine.PrivateNetwork(nil), good.Networks...), Endpoints: append([]engine.Endpoint(nil), good.Endpoints...),
			}
			spoil(&bad)
			if _, err := aNetwork.check(bad); err == nil {
				t.Error("it is accepted")
			}
		})
	}
}
