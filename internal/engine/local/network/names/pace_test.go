package names

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/time/rate"

	"github.com/hypercloud/hyper/internal/engine"
)

var world = new(dns.Msg).SetQuestion("example.org.", dns.TypeA)

// bounded serves with limits, for three containers on loopback: "me", whose second address is 127.0.0.2, and "other" at 127.0.0.3.
func bounded(t testing.TB, change func(*limits), upstreams ...string) *Resolver {
	t.Helper()
	r := changed(t, func(r *Resolver) {
		l := usual
		change(&l)
		r.pace = newPace(l)
	}, upstreams...)
	r.Set(engine.NetworkState{
		Networks: []engine.PrivateNetwork{{ID: "made", Subnet: netip.MustParsePrefix("127.0.0.2/32")}},
		Endpoints: []engine.Endpoint{
			{ContainerID: "me", Address: netip.MustParseAddr("127.0.0.1"), Names: []string{"me"}},
			{ContainerID: "me", Network: "made", Address: netip.MustParseAddr("127.0.0.2")},
			{ContainerID: "other", Address: netip.MustParseAddr("127.0.0.3")},
		},
	})
	return r
}

// from connects as another address of loopback.
func (r *Resolver) from(t testing.TB, network, addr string) *dns.Conn {
	t.Helper()
	var local net.Addr = &net.UDPAddr{IP: net.ParseIP(addr)}
	if network == "tcp" {
		local = &net.TCPAddr{IP: net.ParseIP(addr)}
	}
	c, err := (&net.Dialer{LocalAddr: local, Timeout: 5 * time.Second}).Dial(network, r.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(6 * time.Second))
	return &dns.Conn{Conn: c}
}

func on(c *dns.Conn, q *dns.Msg) string {
	if err := c.WriteMsg(q); err != nil {
		return err.Error()
	}
	in, err := c.ReadMsg()
	if err != nil {
		return err.Error()
	}
	return text(in)
}

func TestTooManyQuestionsForTheWorldAreRefused(t *testing.T) {
	up, asked := upstream(t, says("192.0.2.1"))
	r := bounded(t, func(l *limits) { l.forwards, l.rush = rate.Every(time.Hour), 3 }, up)
	for i, tc := range []struct{ from, want string }{
		{"127.0.0.1", "NOERROR 192.0.2.1"},
		{"127.0.0.1", "NOERROR 192.0.2.1"},
		{"127.0.0.2", "NOERROR 192.0.2.1"}, // the same container
		{"127.0.0.1", "REFUSED"},
		{"127.0.0.2", "REFUSED"},
		{"127.0.0.3", "NOERROR 192.0.2.1"},
	} {
		if got := on(r.from(t, "udp", tc.from), world); got != tc.want {
			t.Errorf("question %d, from %s: %q, want %q", i+1, tc.from, got, tc.want)
		}
	}
	if got := on(r.from(t, "tcp", "127.0.0.1"), world); got != "REFUSED" {
		t.Errorf("by another way: %q", got)
	}
	if got := on(r.from(t, "udp", "127.0.0.1"), new(dns.Msg).SetQuestion("me.", dns.TypeA)); got != "NOERROR 127.0.0.1" {
		t.Errorf("a container's name: %q", got)
	}
	q := world.Copy().SetEdns0(payload, false)
	in := r.ask(t, "udp", q)
	if o := in.IsEdns0(); o == nil || len(o.Option) != 1 || o.Option[0].(*dns.EDNS0_EDE).ExtraText == "" {
		t.Errorf("the refusal tells no reason: %v", in)
	}
	if asked.Load() != 4 {
		t.Errorf("the upstream was asked %d times", asked.Load())
	}
}

func TestTooManyQuestionsAreNotHeard(t *testing.T) {
	r := bounded(t, func(l *limits) { l.questions, l.burst = rate.Every(time.Hour), 3 })
	c := r.from(t, "udp", "127.0.0.1")
	q := new(dns.Msg).SetQuestion("me.", dns.TypeA)
	for range 3 {
		if got := on(c, q); got != "NOERROR 127.0.0.1" {
			t.Fatal(got)
		}
	}
	for range 1000 {
		if err := c.WriteMsg(q); err != nil {
			t.Fatal(err)
		}
	}
	// The other's questions came later, so whatever was to be said to the first has been said.
	for range 2 {
		if got := on(r.from(t, "udp", "127.0.0.3"), q); got != "NOERROR 127.0.0.1" {
			t.Errorf("meanwhile another hears %q", got)
		}
	}
	_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if in, err := c.ReadMsg(); err == nil {
		t.Errorf("the one who asks too much hears %q", text(in))
	}
	if got := on(r.from(t, "tcp", "127.0.0.1"), q); got != io.EOF.Error() {
		t.Errorf("by another way: %q", got)
	}
	if got := on(r.from(t, "tcp", "127.0.0.3"), q); got != "NOERROR 127.0.0.1" {
		t.Errorf("another by the other way: %q", got)
	}
}

func TestOneWhoWaitsLeavesRoomForOthers(t *testing.T) {
	const each, all, extra = 4, 7, 5
	gate := make(chan struct{})
	up, asked := upstream(t, func(q *dns.Msg) *dns.Msg { <-gate; return says("192.0.2.1")(q) })
	r := bounded(t, func(l *limits) { l.waiting, l.allWaits = each, all }, up)
	results := map[string]chan string{}
	allowed := map[string]int{"127.0.0.1": each, "127.0.0.3": all - each}
	for _, addr := range []string{"127.0.0.1", "127.0.0.3"} {
		results[addr] = make(chan string, each+extra)
		for range each + extra {
			c := r.from(t, "udp", addr)
			go func() { results[addr] <- on(c, world) }()
		}
		for range each + extra - allowed[addr] {
			if got := <-results[addr]; got != "REFUSED" {
				t.Errorf("one too many, from %s, hears %q", addr, got)
			}
		}
	}
	if got := on(r.from(t, "udp", "127.0.0.1"), new(dns.Msg).SetQuestion("me.", dns.TypeA)); got != "NOERROR 127.0.0.1" {
		t.Errorf("meanwhile a container's name: %q", got)
	}
	close(gate)
	for addr, n := range allowed {
		for range n {
			if got := <-results[addr]; got != "NOERROR 192.0.2.1" {
				t.Errorf("one of the allowed, from %s, hears %q", addr, got)
			}
		}
	}
	if asked.Load() != all {
		t.Errorf("the upstream was asked %d times", asked.Load())
	}
}

func TestConnectionsOfOneAreBounded(t *testing.T) {
	r := bounded(t, func(l *limits) { l.streams = 2 })
	q := new(dns.Msg).SetQuestion("me.", dns.TypeA)
	const good = "NOERROR 127.0.0.1"
	first, second := r.from(t, "tcp", "127.0.0.1"), r.from(t, "tcp", "127.0.0.2")
	for _, c := range []*dns.Conn{first, second} {
		if got := on(c, q); got != good {
			t.Errorf("one of the allowed hears %q", got)
		}
	}
	if got := on(r.from(t, "tcp", "127.0.0.1"), q); got == good {
		t.Error("a connection too many is answered")
	}
	if got := on(r.from(t, "tcp", "127.0.0.3"), q); got != good {
		t.Errorf("another container hears %q", got)
	}
	first.Close()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		got := on(r.from(t, "tcp", "127.0.0.1"), q)
		if got == good {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("after one has ended the next hears %q", got)
		}
	}
}

// What is remembered of a container goes with it.
func TestPaceForgets(t *testing.T) {
	r := New(nil, netip.Prefix{}, slog.New(slog.DiscardHandler))
	var state engine.NetworkState
	for i := range 100 {
		addr := netip.AddrFrom4([4]byte{172, 16, 1, byte(i)})
		state.Endpoints = append(state.Endpoints, engine.Endpoint{ContainerID: fmt.Sprint(i), Address: addr})
	}
	r.Set(state)
	for i := range 256 { // more than there are
		r.asker(netip.AddrFrom4([4]byte{172, 16, 1, byte(i)}))
	}
	if n := len(r.pace.byID); n != 101 {
		t.Errorf("%d askers are known", n)
	}
	kept := r.asker(state.Endpoints[0].Address)
	state.Endpoints = state.Endpoints[:1]
	r.Set(state)
	if n := len(r.pace.byID); n != 2 {
		t.Errorf("%d askers are known when all but one have gone", n)
	}
	if r.asker(state.Endpoints[0].Address) != kept {
		t.Error("the one that stayed begins anew")
	}
}
