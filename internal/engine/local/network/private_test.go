package network

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/miekg/dns"
	"github.com/vishvananda/netlink"

	"github.com/hypercloud/hyper/internal/engine"
)

func TestNeighboursReachEachOther(t *testing.T) {
	l := newLab(t)
	a := l.account(0)
	web, db := a.run("web", 10), a.run("db", 11)
	serve(t, db.ns, ":3306", "db")
	a.endpoint("stopped", 12)
	a.apply()
	l.hears(
		heard{"a neighbour", web.ns, "tcp4", "172.16.0.11:3306", "db 172.16.0.10"},
		heard{"a neighbour by datagram", web.ns, "udp4", "172.16.0.11:3306", "db 172.16.0.10"},
		heard{"a neighbour's closed port", web.ns, "tcp4", "172.16.0.11:1", "refused"},
		heard{"a neighbour that does not run", web.ns, "tcp4", "172.16.0.12:80", "unreachable"},
		heard{"nobody's address", web.ns, "tcp4", "172.16.200.12:80", "unreachable"},
	)
	for _, addr := range []string{"172.16.0.11", "172.16.0.1"} {
		if err := ping(web.ns, addr); err != nil {
			t.Errorf("ping %s: %v", addr, err)
		}
	}
}

func TestContainersInterface(t *testing.T) {
	l := newLab(t)
	ext, err := netlink.LinkByName("ext0")
	must(t, err)
	must(t, netlink.LinkSetMTU(ext, 1400))
	l.restart()
	a := l.account(0)
	c := a.run("web", 10)
	h, err := netlink.NewHandleAt(c.ns)
	must(t, err)
	defer h.Close()
	eth, err := h.LinkByName("eth0")
	must(t, err)
	if m := eth.Attrs().HardwareAddr.String(); m != "02:42:ac:10:00:0a" {
		t.Errorf("the MAC is %s", m)
	}
	if eth.Attrs().MTU != 1400 {
		t.Errorf("the MTU is %d, and the machine's uplink has 1400", eth.Attrs().MTU)
	}
	addrs, err := h.AddrList(eth, netlink.FAMILY_ALL)
	must(t, err)
	if len(addrs) != 1 || addrs[0].IPNet.String() != "172.16.0.10/16" {
		t.Errorf("the addresses are %v", addrs)
	}
}

func TestAttachAgainAndDetach(t *testing.T) {
	l := newLab(t)
	a := l.account(0)
	web, db := a.run("web", 10), a.run("db", 11)
	serve(t, db.ns, ":80", "db")
	must(t, l.net.AttachEndpoints(t.Context(), a.ref, db.id, db.pid))
	l.hears(heard{"after attaching twice", web.ns, "tcp4", "172.16.0.11:80", "db 172.16.0.10"})

	stats, err := l.net.EndpointStats(t.Context(), a.ref, db.id)
	must(t, err)
	// The neighbour has sent at least SYN, ACK and FIN, this one two packets.
	if stats["eth0"].RxPackets < 3 || stats["eth0"].TxPackets < 2 || stats["eth0"].RxBytes == 0 || stats["eth0"].TxBytes == 0 {
		t.Errorf("after a connection the counters are %+v", stats)
	}
	for range 2 {
		must(t, l.net.DetachEndpoints(t.Context(), a.ref, db.id))
	}
	l.hears(heard{"after detaching", web.ns, "tcp4", "172.16.0.11:80", "unreachable"})
	if _, err := l.net.EndpointStats(t.Context(), a.ref, db.id); !errdefs.IsNotFound(err) {
		t.Errorf("the counters of a detached container: %v", err)
	}
	if err := l.net.AttachEndpoints(t.Context(), a.ref, db.id, 1<<22-1); err == nil {
		t.Error("attaching a process that is not there works")
	}
}

func TestNames(t *testing.T) {
	l := newLab(t)
	p, err := net.ListenPacket("udp4", "127.0.0.1:5353")
	must(t, err)
	up := &dns.Server{PacketConn: p, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		rr, _ := dns.NewRR(q.Question[0].Name + " 60 IN A 192.0.2.99")
		m.Answer = append(m.Answer, rr)
		_ = w.WriteMsg(m)
	})}
	go func() { _ = up.ActivateAndServe() }()
	t.Cleanup(func() { _ = p.Close() })
	a := l.account(0)
	web := a.run("web", 10)
	a.endpoint("db", 11)
	a.apply()
	ask := func(network, name string, kind uint16) (answer string) {
		must(t, within(web.ns, func() error {
			c, err := dns.DialTimeout(network, "172.16.0.1:53", time.Second)
			if err != nil {
				return err
			}
			defer c.Close()
			must(t, c.SetDeadline(time.Now().Add(time.Second)))
			must(t, c.WriteMsg(new(dns.Msg).SetQuestion(name, kind)))
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
	for _, tc := range []struct {
		network, name string
		kind          uint16
		want          string
	}{
		{"udp4", "db.", dns.TypeA, "NOERROR 172.16.0.11"},
		{"tcp4", "DB.", dns.TypeA, "NOERROR 172.16.0.11"},
		{"udp4", "nobody.", dns.TypeA, "NXDOMAIN"},
		{"udp4", "11.0.16.172.in-addr.arpa.", dns.TypePTR, "NOERROR db."},
		{"udp4", "example.org.", dns.TypeA, "NOERROR 192.0.2.99"},
	} {
		if got := ask(tc.network, tc.name, tc.kind); got != tc.want {
			t.Errorf("%s %s: %q, want %q", tc.network, tc.name, got, tc.want)
		}
	}
	a.at("db").Names = []string{"mysql"}
	a.apply()
	if got := ask("udp4", "mysql.", dns.TypeA); !strings.Contains(got, "172.16.0.11") {
		t.Errorf("after a rename: %q", got)
	}
	if got := ask("udp4", "db.", dns.TypeA); got != "NXDOMAIN" {
		t.Errorf("the old name: %q", got)
	}
}

func TestContainersSendAsThemselvesOnly(t *testing.T) {
	l := newLab(t)
	a := l.account(0)
	web, db := a.run("web", 10), a.run("db", 11)
	serve(t, db.ns, ":80", "db")
	h, err := netlink.NewHandleAt(web.ns)
	must(t, err)
	defer h.Close()
	eth, err := h.LinkByName("eth0")
	must(t, err)
	must(t, h.AddrAdd(eth, &netlink.Addr{IPNet: ipNet(netip.MustParsePrefix("172.16.0.12/32"))}))
	must(t, within(web.ns, func() error {
		d := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.IPv4(172, 16, 0, 12)}}
		if c, err := d.Dial("tcp4", "172.16.0.11:80"); err == nil {
			c.Close()
			t.Error("a container connects from an address that is not its own")
		}
		return nil
	}))
	l.hears(heard{"from its own", web.ns, "tcp4", "172.16.0.11:80", "db 172.16.0.10"})
	must(t, h.LinkSetDown(eth))
	must(t, h.LinkSetHardwareAddr(eth, macOf(netip.MustParseAddr("172.16.0.12"))))
	must(t, h.LinkSetUp(eth))
	must(t, h.RouteReplace(&netlink.Route{LinkIndex: eth.Attrs().Index, Dst: ipNet(netip.PrefixFrom(engine.PrivateGateway, 32)), Scope: netlink.SCOPE_LINK}))
	must(t, h.RouteReplace(&netlink.Route{LinkIndex: eth.Attrs().Index, Gw: engine.PrivateGateway.AsSlice()}))
	if got := call(web.ns, "tcp4", "172.16.0.11:80"); strings.HasPrefix(got, "db") {
		t.Errorf("with a hardware address that is not its own a container hears %q", got)
	}
}

// A container that asks for the gateway under another's address gets no answer, and fills no neighbour table.
func TestContainersAskAsThemselvesOnly(t *testing.T) {
	l := newLab(t)
	a := l.account(0)
	web := a.run("web", 10)
	h, err := netlink.NewHandleAt(web.ns)
	must(t, err)
	defer h.Close()
	eth, err := h.LinkByName("eth0")
	must(t, err)
	gateway := &netlink.Neigh{LinkIndex: eth.Attrs().Index, IP: engine.PrivateGateway.AsSlice()}
	ask := func(from string) {
		t.Helper()
		must(t, h.NeighDel(gateway))
		must(t, within(web.ns, func() error {
			// A datagram, after which nothing else is sent from that address.
			d := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(from)}}
			c, err := d.Dial("udp4", "172.16.0.1:9")
			if err != nil {
				return err
			}
			defer c.Close()
			_, err = c.Write([]byte("?"))
			return err
		}))
	}
	answered := func() bool {
		for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
			all, err := h.NeighList(eth.Attrs().Index, netlink.FAMILY_V4)
			must(t, err)
			for _, n := range all {
				if n.IP.Equal(gateway.IP) && n.HardwareAddr != nil {
					return true
				}
			}
			if time.Now().After(end) {
				return false
			}
		}
	}
	ask("172.16.0.10")
	if !answered() {
		t.Error("a container that asks for the gateway as itself gets no answer")
	}
	must(t, h.AddrAdd(eth, &netlink.Addr{IPNet: ipNet(netip.MustParsePrefix("172.16.0.12/32"))}))
	ask("172.16.0.12")
	if answered() {
		t.Error("a container that asks for the gateway as another gets an answer")
	}
	r, err := l.net.router(a.ref)
	must(t, err)
	defer r.life.RUnlock()
	all, err := r.nl.NeighList(0, netlink.FAMILY_V4)
	must(t, err)
	for _, n := range all {
		if n.IP.String() == "172.16.0.12" {
			t.Errorf("the router has taken the container for a neighbour: %v", n)
		}
	}
}

func TestApplyRefusesWhatRulesCannotBeMadeOf(t *testing.T) {
	good := engine.Endpoint{ContainerID: "a", Address: netip.MustParseAddr("172.16.0.10"), MAC: "02:42:ac:10:00:0a"}
	with := func(change func(*engine.Endpoint)) []engine.Endpoint {
		e := good
		change(&e)
		return []engine.Endpoint{e}
	}
	for name, eps := range map[string][]engine.Endpoint{
		"a MAC that is none":        with(func(e *engine.Endpoint) { e.MAC = "x } accept" }),
		"a MAC of a group":          with(func(e *engine.Endpoint) { e.MAC = "01:00:5e:00:00:01" }),
		"no address":                with(func(e *engine.Endpoint) { e.Address = netip.Addr{} }),
		"an address from elsewhere": with(func(e *engine.Endpoint) { e.Address = netip.MustParseAddr("10.0.0.1") }),
		"the router's address":      with(func(e *engine.Endpoint) { e.Address = engine.PrivateGateway }),
		"a private floating IP":     with(func(e *engine.Endpoint) { e.FloatingIP = netip.MustParseAddr("172.16.9.9") }),
		"the same address twice":    {good, {ContainerID: "b", Address: good.Address, MAC: good.MAC}},
		"the same container twice":  {good, {ContainerID: "a", Address: netip.MustParseAddr("172.16.0.11"), MAC: good.MAC}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := aNetwork.check(engine.NetworkState{Endpoints: eps}); err == nil {
				t.Error("it is accepted")
			}
		})
	}
	if _, err := aNetwork.check(engine.NetworkState{Endpoints: []engine.Endpoint{good}}); err != nil {
		t.Error(err)
	}
}
