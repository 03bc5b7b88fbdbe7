package network

import (
	"net/netip"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/engine"
)

func ports(proto string, public, private uint16) []engine.PublishedPort {
	return []engine.PublishedPort{{Proto: proto, Public: public, Private: private}}
}

func TestFloatingIP(t *testing.T) {
	l := newLab(t)
	a := l.account(3)
	web, db := a.run("web", 10), a.run("db", 11)
	fip := netip.MustParseAddr("198.18.0.2")
	a.at("web").FloatingIP = fip
	a.at("web").Ports = append(ports("tcp", 8080, 80), append(ports("udp", 53, 53), ports("tcp", 9000, 9000)...)...)
	a.apply()
	serve(t, web.ns, ":80", "web")
	serve(t, web.ns, ":53", "web")
	serve(t, web.ns, ":22", "web")
	l.hears(
		heard{"from the machine", l.machine, "tcp4", "198.18.0.2:8080", "web 100.64.0.6"},
		heard{"from the machine by datagram", l.machine, "udp4", "198.18.0.2:53", "web 100.64.0.6"},
		heard{"from outside", l.outside, "tcp4", "198.18.0.2:8080", "web " + outsideAddr},
		heard{"from a neighbour", db.ns, "tcp4", "198.18.0.2:8080", "web 172.16.0.11"},
		heard{"from the container itself", web.ns, "tcp4", "198.18.0.2:8080", "web 172.16.0.1"},
		heard{"from the container itself by datagram", web.ns, "udp4", "198.18.0.2:53", "web 172.16.0.1"},
		heard{"published, but nobody listens", l.machine, "tcp4", "198.18.0.2:9000", "refused"},
		heard{"a port that is not published, from the machine", l.machine, "tcp4", "198.18.0.2:22", "refused"},
		heard{"from outside", l.outside, "tcp4", "198.18.0.2:22", "refused"},
		heard{"from a neighbour", db.ns, "tcp4", "198.18.0.2:22", "refused"},
		heard{"from the container itself", web.ns, "tcp4", "198.18.0.2:22", "refused"},
		heard{"a datagram to a port that is not published", l.machine, "udp4", "198.18.0.2:80", "refused"},
		heard{"tcp to a port that is published for udp", l.machine, "tcp4", "198.18.0.2:53", "refused"},
		heard{"an address of the pool that nobody has, from the machine", l.machine, "tcp4", "198.18.0.9:80", "unreachable"},
		heard{"the same from a container", web.ns, "tcp4", "198.18.0.9:80", "unreachable"},
	)
	t.Run("of a container that stops", func(t *testing.T) {
		must(t, l.net.DetachEndpoints(t.Context(), a.ref, web.id))
		l.hears(heard{"it is closed", l.machine, "tcp4", "198.18.0.2:8080", "refused"})
		must(t, l.net.AttachEndpoints(t.Context(), a.ref, web.id, web.pid))
		l.hears(heard{"and open again", l.machine, "tcp4", "198.18.0.2:8080", "web 100.64.0.6"})
	})
}

func TestFloatingIPMoves(t *testing.T) {
	l := newLab(t)
	a := l.account(0)
	one, two := a.run("one", 10), a.run("two", 11)
	serve(t, one.ns, ":80", "one")
	serve(t, two.ns, ":80", "two")
	serve(t, l.outside, ":80", "outside")
	fip := netip.MustParseAddr("198.18.0.2")
	a.at("one").FloatingIP, a.at("one").Ports = fip, ports("tcp", 80, 80)
	a.at("two").Ports = ports("tcp", 80, 80)
	a.apply()
	in, err := dial(l.machine, "tcp4", "198.18.0.2:80")
	must(t, err)
	out, err := dial(one.ns, "tcp4", outsideAddr+":80")
	must(t, err)
	private, err := dial(one.ns, "tcp4", "172.16.0.11:80")
	must(t, err)
	must(t, in.echo())

	a.at("one").FloatingIP, a.at("two").FloatingIP = netip.Addr{}, fip
	a.apply()
	l.hears(heard{"a new connection", l.machine, "tcp4", "198.18.0.2:80", "two 100.64.0.0"})
	if in.echo() == nil {
		t.Error("a connection through the floating IP outlives its move")
	}
	if out.echo() == nil {
		t.Error("a connection that left from the floating IP outlives its move")
	}
	if err := private.echo(); err != nil {
		t.Errorf("a connection between neighbours: %v", err)
	}

	again, err := dial(l.machine, "tcp4", "198.18.0.2:80")
	must(t, err)
	a.at("two").Ports = append(a.at("two").Ports, ports("tcp", 81, 80)...)
	a.apply()
	if err := again.echo(); err != nil {
		t.Errorf("a connection when another port is published: %v", err)
	}
	a.at("two").Ports = nil
	a.apply()
	if again.echo() == nil {
		t.Error("a connection outlives the publishing of its port")
	}
	a.at("two").FloatingIP = netip.Addr{}
	a.apply()
	l.hears(heard{"taken away", l.machine, "tcp4", "198.18.0.2:80", "unreachable"})
}

func TestApplyIsCheap(t *testing.T) {
	l := newLab(t)
	a := l.account(0)
	for i := range byte(50) {
		a.endpoint(string([]byte{'a' + i/26, 'a' + i%26}), 10+i).FloatingIP = netip.AddrFrom4([4]byte{198, 18, 0, 10 + i})
	}
	begin := time.Now()
	a.apply()
	t.Logf("the first time: %v", time.Since(begin))
	a.state.Endpoints[0].Names = []string{"renamed"}
	begin = time.Now()
	const times = 20
	for range times {
		a.apply()
	}
	if each := time.Since(begin) / times; each > 20*time.Millisecond {
		t.Errorf("applying new names takes %v", each)
	} else {
		t.Logf("new names: %v", each)
	}
	begin = time.Now()
	a.state.Endpoints = a.state.Endpoints[1:]
	a.apply()
	t.Logf("new rules: %v", time.Since(begin))
	a.endpoint("timed", 200)
	a.apply()
	c := process(t, a.ref)
	begin = time.Now()
	must(t, l.net.AttachEndpoints(t.Context(), a.ref, a.at("timed").ContainerID, c.pid))
	t.Logf("attaching: %v", time.Since(begin))
}
