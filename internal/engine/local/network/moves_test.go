package network

import (
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// say sends a line or a datagram and tells what comes back.
func (c *conn) say() string {
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, "hello\n"); err != nil {
		return "nothing"
	}
	s, err := c.r.ReadString('\n')
	if err != nil {
		return "nothing"
	}
	return strings.TrimSpace(s)
}

// A floating IP moves between containers in different networks, under traffic of all kinds.
func TestAMoveEndsWhatWasThere(t *testing.T) {
	l := onLink(t)
	a := l.account(0)
	a.network("front", "10.5.0.0/24", false)
	a.network("side", "10.6.0.0/24", false)
	a.on("one", "", "172.16.0.10", 0)
	a.on("two", "front", "10.5.0.10", 0)
	a.on("two", "side", "10.6.0.10", 1)
	a.on("near", "front", "10.5.0.11", 0)
	one, two, near := a.attach("one"), a.attach("two"), a.attach("near")
	serve(t, l.outside, ":80", "outside")
	endpoint := map[string]func() *netip.Addr{}
	for i := range a.state.Endpoints {
		if e := &a.state.Endpoints[i]; e.Interface == 0 && e.Names[0] != "near" {
			e.Ports = append(ports("tcp", 8080, 80), ports("udp", 53, 80)...)
			endpoint[e.Names[0]] = func() *netip.Addr { return &e.FloatingIP }
		}
	}
	fip, containers := netip.MustParseAddr("203.0.113.65"), map[string]*container{"one": one, "two": two}
	*endpoint["one"]() = fip
	a.apply()
	open := func(from *container, network, addr string) *conn {
		t.Helper()
		ns := l.outside
		if from != nil {
			ns = from.ns
		}
		c, err := dial(ns, network, addr)
		must(t, err)
		return c
	}
	for _, to := range []string{"two", "one"} {
		from := map[string]string{"one": "two", "two": "one"}[to]
		tcp, udp := open(nil, "tcp4", "203.0.113.65:8080"), open(nil, "udp4", "203.0.113.65:53")
		within := open(near, "tcp4", "203.0.113.65:8080")
		out := open(containers[from], "tcp4", outsideAddr+":80")
		private := open(near, "tcp4", "10.5.0.10:80")
		if tcp.greet != from+" "+outsideAddr || udp.greet != from+" "+outsideAddr || out.greet != "outside 203.0.113.65" {
			t.Fatalf("before the move: %q, %q, %q", tcp.greet, udp.greet, out.greet)
		}
		*endpoint[from](), *endpoint[to]() = netip.Addr{}, fip
		a.apply()
		if got := tcp.say(); got != "nothing" {
			t.Errorf("to %s: a connection from outside goes on: %q", to, got)
		}
		if got := within.say(); got != "nothing" {
			t.Errorf("to %s: a connection from a neighbour goes on: %q", to, got)
		}
		if got := out.say(); got != "nothing" {
			t.Errorf("to %s: a connection that left from the floating IP goes on: %q", to, got)
		}
		if got := udp.say(); got != to+" "+outsideAddr {
			t.Errorf("to %s: the next datagram is answered by %q", to, got)
		}
		if got := private.say(); got != "hello" {
			t.Errorf("to %s: a connection between neighbours: %q", to, got)
		}
		l.hears(
			heard{"new, to " + to, l.outside, "tcp4", "203.0.113.65:8080", to + " " + outsideAddr},
			heard{"new, by datagram, to " + to, l.outside, "udp4", "203.0.113.65:53", to + " " + outsideAddr},
			heard{"out, from " + to, containers[to].ns, "tcp4", outsideAddr + ":80", "outside 203.0.113.65"},
			heard{"out, from " + from, containers[from].ns, "tcp4", outsideAddr + ":80", "outside " + machineAddr},
		)
	}
}

// What accounts say to each other's floating IPs is between the published ports, and does not go by the link.
func TestFloatingIPsOfTwoAccounts(t *testing.T) {
	l := onLink(t)
	a, b := l.account(0), l.account(1)
	one, two := a.run("one", 10), b.run("two", 10)
	bare := b.run("bare", 11)
	for _, e := range []struct {
		a    *tenant
		name string
		ns   *container
		fip  string
	}{{a, "one", one, "203.0.113.65"}, {b, "two", two, "203.0.113.66"}} {
		e.a.at(e.name).FloatingIP, e.a.at(e.name).Ports = netip.MustParseAddr(e.fip), append(ports("tcp", 80, 80), ports("udp", 80, 80)...)
		e.a.apply()
		serve(t, e.ns.ns, ":80", e.name)
		serve(t, e.ns.ns, ":81", e.name)
	}
	wire := listen(t, l.outside, "eth0")
	l.hears(
		heard{"a published port", one.ns, "tcp4", "203.0.113.66:80", "two 203.0.113.65"},
		heard{"by datagram", one.ns, "udp4", "203.0.113.66:80", "two 203.0.113.65"},
		heard{"the other way", two.ns, "tcp4", "203.0.113.65:80", "one 203.0.113.66"},
		heard{"from a container without", bare.ns, "tcp4", "203.0.113.65:80", "one 100.64.0.3"},
		heard{"a port that is not published", one.ns, "tcp4", "203.0.113.66:81", "refused"},
		heard{"the other way", two.ns, "tcp4", "203.0.113.65:81", "refused"},
		heard{"itself", one.ns, "tcp4", "203.0.113.65:80", "one 172.16.0.1"},
		heard{"from the machine", l.machine, "tcp4", "203.0.113.66:80", "two 100.64.0.2"},
	)
	wire.mu.Lock()
	defer wire.mu.Unlock()
	for addr := range wire.sources {
		t.Errorf("a packet of %s is on the link", addr)
	}
}

// No packet has an address outside that means something here only, whatever becomes of the connections that it belongs to.
func TestNoPrivateAddressGetsOut(t *testing.T) {
	l := onLink(t)
	l.config.FIPPools = pools("203.0.113.64/28", "198.18.0.0/24")
	l.restart()
	a := l.account(0)
	real, local, plain := a.run("real", 10), a.run("local", 11), a.run("plain", 12)
	serve(t, l.outside, ":80", "outside")
	wire := listen(t, l.outside, "eth0")
	for _, step := range []func(){
		func() {},
		func() {
			a.at("real").FloatingIP, a.at("local").FloatingIP = netip.MustParseAddr("203.0.113.65"), netip.MustParseAddr("198.18.0.2")
		},
		func() {
			a.at("real").FloatingIP, a.at("plain").FloatingIP = netip.Addr{}, netip.MustParseAddr("203.0.113.65")
		},
		func() { a.at("plain").FloatingIP, a.at("local").FloatingIP = netip.Addr{}, netip.Addr{} },
		func() { must(t, l.net.DetachEndpoints(t.Context(), a.ref, plain.id)) },
	} {
		var open []*conn
		for _, c := range []*container{real, local, plain} {
			for _, network := range []string{"tcp4", "udp4"} {
				if o, err := dial(c.ns, network, outsideAddr+":80"); err == nil {
					open = append(open, o)
				} else {
					t.Fatal(err)
				}
			}
			must(t, ping(c.ns, outsideAddr))
			must(t, within(c.ns, func() error { // in fragments
				u, err := net.Dial("udp4", outsideAddr+":9")
				if err != nil {
					return err
				}
				defer u.Close()
				_, err = u.Write(make([]byte, 5000))
				return err
			}))
		}
		step()
		a.apply()
		for _, o := range open {
			o.say()
			if tcp, ok := o.Conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // the end is a reset
			}
			_ = o.Close()
		}
	}
	wire.mu.Lock()
	defer wire.mu.Unlock()
	allowed := []string{machineAddr, "203.0.113.65"}
	for addr := range wire.sources {
		if !slices.Contains(allowed, addr.String()) {
			t.Errorf("a packet of %s got out", addr)
		}
	}
	if len(wire.sources) != len(allowed) {
		t.Errorf("heard are packets of %v", wire.sources)
	}
}

// BenchmarkFloatingIP measures from the order to attach a floating IP to the first datagram that is answered, at a host outside that believes another machine
// to have the address, and that asks every half millisecond.
func BenchmarkFloatingIP(b *testing.B) {
	l := onLink(b)
	a := l.account(0)
	one, two := a.run("one", 10), a.run("two", 11)
	serve(b, one.ns, ":80", "one")
	serve(b, two.ns, ":80", "two")
	a.at("one").Ports, a.at("two").Ports = ports("udp", 80, 80), ports("udp", 80, 80)
	fip := netip.MustParseAddr("203.0.113.65")
	var u *net.UDPConn
	must(b, within(l.outside, func() (err error) {
		u, err = net.DialUDP("udp4", nil, &net.UDPAddr{IP: fip.AsSlice(), Port: 80})
		return err
	}))
	defer u.Close()
	answered := func(name string) {
		buf := make([]byte, 100)
		for {
			_, _ = u.Write([]byte("?"))
			_ = u.SetReadDeadline(time.Now().Add(500 * time.Microsecond))
			if n, err := u.Read(buf); err == nil && strings.HasPrefix(string(buf[:n]), name) {
				return
			}
		}
	}
	b.Run("attach", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			a.at("one").FloatingIP, a.at("two").FloatingIP = netip.Addr{}, netip.Addr{}
			a.apply()
			neighbour(b, l.outside, "eth0", fip.String(), elsewhere, netlink.NUD_REACHABLE)
			b.StartTimer()
			a.at("one").FloatingIP = fip
			done := make(chan struct{})
			go func() { defer close(done); a.apply() }()
			answered("one")
			b.StopTimer()
			<-done
			b.StartTimer()
		}
	})
	b.Run("move", func(b *testing.B) {
		a.at("one").FloatingIP, a.at("two").FloatingIP = fip, netip.Addr{}
		a.apply()
		from, to := "one", "two"
		for b.Loop() {
			a.at(from).FloatingIP, a.at(to).FloatingIP = netip.Addr{}, fip
			a.apply()
			answered(to)
			from, to = to, from
		}
	})
}
