package names

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/hypercloud/hyper/internal/engine"
)

// sockets are one port's for datagrams and for streams. Others on the machine take ports too.
func sockets(t testing.TB) (net.PacketConn, net.Listener) {
	t.Helper()
	var err error
	for range 100 {
		var p net.PacketConn
		if p, err = net.ListenPacket("udp4", "127.0.0.1:0"); err != nil {
			continue
		}
		var l net.Listener
		if l, err = net.Listen("tcp4", p.LocalAddr().String()); err == nil {
			return p, l
		}
		p.Close()
	}
	t.Fatal(err)
	return nil, nil
}

// upstream is a name server on loopback that answers as fn says; nil is silence.
func upstream(t testing.TB, fn func(q *dns.Msg) *dns.Msg) (addr string, asked *atomic.Int32) {
	t.Helper()
	return upstreamBy(t, func(q *dns.Msg, _ bool) *dns.Msg { return fn(q) })
}

// upstreamBy is one that tells questions by TCP from others.
func upstreamBy(t testing.TB, fn func(q *dns.Msg, stream bool) *dns.Msg) (addr string, asked *atomic.Int32) {
	t.Helper()
	p, l := sockets(t)
	asked = &atomic.Int32{}
	h := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		asked.Add(1)
		_, stream := w.RemoteAddr().(*net.TCPAddr)
		if a := fn(q, stream); a != nil {
			_ = w.WriteMsg(a)
		}
	})
	for _, s := range []*dns.Server{{PacketConn: p, Handler: h}, {Listener: l, Handler: h}} {
		go func() { _ = s.ActivateAndServe() }()
	}
	t.Cleanup(func() { p.Close(); l.Close() })
	return p.LocalAddr().String(), asked
}

// says answers with addresses.
func says(addrs ...string) func(q *dns.Msg) *dns.Msg {
	return func(q *dns.Msg) *dns.Msg {
		m := new(dns.Msg).SetReply(q)
		for _, a := range addrs {
			rr, _ := dns.NewRR(q.Question[0].Name + " 60 IN A " + a)
			m.Answer = append(m.Answer, rr)
		}
		return m
	}
}

func fails(code int) func(q *dns.Msg) *dns.Msg {
	return func(q *dns.Msg) *dns.Msg { return new(dns.Msg).SetRcode(q, code) }
}

func silence(*dns.Msg) *dns.Msg { return nil }

// resolver serves on loopback.
func resolver(t testing.TB, upstreams ...string) *Resolver {
	t.Helper()
	return changed(t, nil, upstreams...)
}

// changed serves with something of it changed before, by change if there is any.
func changed(t testing.TB, change func(*Resolver), upstreams ...string) *Resolver {
	t.Helper()
	p, l := sockets(t)
	addr := p.LocalAddr().String()
	p.Close()
	l.Close()
	r := New(upstreams, netip.MustParsePrefix("100.64.0.0/16"), slog.New(slog.DiscardHandler))
	r.address = addr
	if change != nil {
		change(r)
	}
	if err := r.Serve(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	r.Set(engine.NetworkState{Endpoints: []engine.Endpoint{
		{ContainerID: "me", Address: netip.MustParseAddr("127.0.0.1")},
		{ContainerID: "web", Address: netip.MustParseAddr("172.16.0.10"), Names: []string{"web", "www.example.org", "0123456789ab"}},
		{ContainerID: "db", Address: netip.MustParseAddr("172.16.0.11"), Names: []string{"db", "web"}, Idle: true}, // web is the one that runs
	}})
	return r
}

func (r *Resolver) ask(t testing.TB, network string, q *dns.Msg) *dns.Msg {
	t.Helper()
	c := &dns.Client{Net: network, Timeout: 6 * time.Second}
	in, _, err := c.Exchange(q, r.address)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func text(m *dns.Msg) string {
	s := dns.RcodeToString[m.Rcode]
	for _, rr := range m.Answer {
		s += " " + strings.TrimPrefix(rr.String(), rr.Header().String())
	}
	return s
}

func TestAnswers(t *testing.T) {
	up, asked := upstream(t, says("192.0.2.99"))
	r := resolver(t, up)
	for _, tc := range []struct {
		what, name string
		kind       uint16
		want       string
		forwarded  int32
	}{
		{"a container's name", "web.", dns.TypeA, "NOERROR 172.16.0.10", 0},
		{"in other letters", "WeB.", dns.TypeA, "NOERROR 172.16.0.10", 0},
		{"a short id", "0123456789ab.", dns.TypeA, "NOERROR 172.16.0.10", 0},
		{"a full hostname", "www.example.org.", dns.TypeA, "NOERROR 172.16.0.10", 0},
		{"its IPv6 address", "www.example.org.", dns.TypeAAAA, "NOERROR", 0},
		{"its mail server", "web.", dns.TypeMX, "NOERROR", 0},
		{"its service binding", "web.", dns.TypeHTTPS, "NOERROR", 0},
		{"this machine", "localhost.", dns.TypeA, "NOERROR 127.0.0.1", 0},
		{"something of this machine", "x.LOCALHOST.", dns.TypeA, "NOERROR 127.0.0.1", 0},
		{"this machine by IPv6", "localhost.", dns.TypeAAAA, "NOERROR", 0},
		{"any of it", "db.", dns.TypeANY, "NOERROR 172.16.0.11", 0},
		{"a name that nobody has", "nobody.", dns.TypeA, "NXDOMAIN", 0},
		{"an address", "10.0.16.172.in-addr.arpa.", dns.TypePTR, "NOERROR web.", 0},
		{"an address whose first name is another's too", "11.0.16.172.in-addr.arpa.", dns.TypePTR, "NOERROR db.", 0},
		{"a private address that nobody has", "12.0.16.172.in-addr.arpa.", dns.TypePTR, "NXDOMAIN", 0},
		{"a name of the world", "example.org.", dns.TypeA, "NOERROR 192.0.2.99", 1},
		{"any of the world", "example.org.", dns.TypeANY, "NOERROR 192.0.2.99", 1},
		{"a single label with a dot in it", `web\.x.`, dns.TypeA, "NXDOMAIN", 0},
		{"a label with a dot in it", `web\.x.example.org.`, dns.TypeA, "NOERROR 192.0.2.99", 1},
		{"a name in escapes", `\119e\098.`, dns.TypeA, "NOERROR 172.16.0.10", 0},
		{"a label of bytes", `\000\255.`, dns.TypeA, "NXDOMAIN", 0},
		{"a subdomain of a name", "x.web.", dns.TypeA, "NOERROR 192.0.2.99", 1},
		{"the root", ".", dns.TypeNS, "NOERROR 192.0.2.99", 1},
	} {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(tc.what+" by "+network, func(t *testing.T) {
				before := asked.Load()
				in := r.ask(t, network, new(dns.Msg).SetQuestion(tc.name, tc.kind))
				if got := text(in); got != tc.want {
					t.Errorf("answer is %q, want %q", got, tc.want)
				}
				if !strings.Contains(tc.name, `\`) && in.Question[0].Name != tc.name {
					t.Errorf("the question comes back as %q", in.Question[0].Name)
				}
				if n := asked.Load() - before; n != tc.forwarded {
					t.Errorf("the upstream was asked %d times, want %d", n, tc.forwarded)
				}
			})
		}
	}
}

func TestUpstreams(t *testing.T) {
	good, _ := upstream(t, says("192.0.2.1"))
	bad, _ := upstream(t, fails(dns.RcodeServerFailure))
	refusing, _ := upstream(t, fails(dns.RcodeRefused))
	knows, _ := upstream(t, fails(dns.RcodeNameError))
	quiet, _ := upstream(t, silence)
	const closed = "127.0.0.1:1"
	for name, tc := range map[string]struct {
		upstreams []string
		want      string
		within    time.Duration
	}{
		"the first one that answers":             {[]string{good, knows}, "NOERROR 192.0.2.1", patience},
		"the next when one is closed":            {[]string{closed, good}, "NOERROR 192.0.2.1", patience},
		"the next when one fails":                {[]string{bad, refusing, good}, "NOERROR 192.0.2.1", patience},
		"the next when one is silent":            {[]string{quiet, good}, "NOERROR 192.0.2.1", 2 * patience},
		"a name that is known not to exist":      {[]string{knows, good}, "NXDOMAIN", patience},
		"the failure when there is no other":     {[]string{closed, refusing}, "REFUSED", patience},
		"failure when all are closed":            {[]string{closed, closed}, "SERVFAIL", patience},
		"failure when all are silent":            {[]string{quiet, quiet}, "SERVFAIL", deadline + time.Second/2},
		"an address without a port is port 53's": {[]string{"127.0.0.99"}, "SERVFAIL", deadline + time.Second/2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := resolver(t, tc.upstreams...)
			begin := time.Now()
			if got := text(r.ask(t, "udp", new(dns.Msg).SetQuestion("example.org.", dns.TypeA))); got != tc.want {
				t.Errorf("answer is %q, want %q", got, tc.want)
			}
			if took := time.Since(begin); took > tc.within {
				t.Errorf("it takes %v", took)
			}
		})
	}
}

// What an upstream hears is the question, in the tenant's letters, and nothing else that the tenant said.
func TestWhatUpstreamsHear(t *testing.T) {
	heard := make(chan *dns.Msg, 1)
	up, _ := upstream(t, func(q *dns.Msg) *dns.Msg { heard <- q; return says("192.0.2.1")(q) })
	r := resolver(t, up)
	const name = "fTp.ExAmPlE.oRg."
	q := new(dns.Msg).SetQuestion(name, dns.TypeA)
	q.CheckingDisabled = true
	q.SetEdns0(payload, true)
	o := q.IsEdns0()
	o.Option = []dns.EDNS0{
		&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IPv4(172, 16, 0, 0).To4()},
		&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0123456789abcdef"},
		&dns.EDNS0_LOCAL{Code: dns.EDNS0LOCALSTART, Data: []byte("secret")},
	}
	for _, network := range []string{"udp", "tcp"} {
		in := r.ask(t, network, q)
		got := <-heard
		if got.Id == q.Id {
			t.Error("it hears the tenant's number (which by chance happens once in 65536 times)")
		}
		if got.Question[0].Name != name || !got.CheckingDisabled || !got.RecursionDesired {
			t.Errorf("it hears %v", got)
		}
		if o := got.IsEdns0(); o == nil || !o.Do() || len(o.Option) > 0 || len(got.Extra) != 1 {
			t.Errorf("it hears of the tenant: %v", got.Extra)
		}
		if in.Id != q.Id || in.Question[0].Name != name || len(in.IsEdns0().Option) > 0 || text(in) != "NOERROR 192.0.2.1" {
			t.Errorf("the answer is %v", in)
		}
	}
	r.ask(t, "udp", new(dns.Msg).SetQuestion(name, dns.TypeA))
	if got := <-heard; got.IsEdns0() != nil || got.CheckingDisabled {
		t.Errorf("of one who has no EDNS it hears %v", got)
	}
}

// An answer to something else is none: the next upstream is asked, or the right one is waited for.
func TestAnswersToOtherQuestions(t *testing.T) {
	good, _ := upstream(t, says("192.0.2.1"))
	for name, change := range map[string]func(m *dns.Msg){
		"of another number":    func(m *dns.Msg) { m.Id++ },
		"of another name":      func(m *dns.Msg) { m.Question[0].Name = "example.net." },
		"of another type":      func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA },
		"of another class":     func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS },
		"without the question": func(m *dns.Msg) { m.Question = nil },
		"of two questions":     func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) },
		"that is a question":   func(m *dns.Msg) { m.Response = false },
		"of another kind":      func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify },
		"about EDNS":           func(m *dns.Msg) { m.SetEdns0(payload, false); m.Rcode = dns.RcodeBadVers },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			liar, asked := upstream(t, func(q *dns.Msg) *dns.Msg {
				m := says("192.0.2.66")(q)
				change(m)
				return m
			})
			r := resolver(t, liar, good)
			for i, network := range []string{"udp", "tcp"} {
				if got := text(r.ask(t, network, new(dns.Msg).SetQuestion("example.org.", dns.TypeA))); got != "NOERROR 192.0.2.1" {
					t.Errorf("the answer by %s is %q", network, got)
				}
				if asked.Load() != int32(i+1) {
					t.Errorf("it was asked %d times by %s", asked.Load(), network)
				}
			}
		})
	}
	t.Run("in other letters", func(t *testing.T) {
		up, _ := upstream(t, func(q *dns.Msg) *dns.Msg {
			m := says("192.0.2.1")(q)
			m.Question[0].Name = strings.ToLower(m.Question[0].Name)
			return m
		})
		in := resolver(t, up).ask(t, "udp", new(dns.Msg).SetQuestion("EXAMPLE.org.", dns.TypeA))
		if text(in) != "NOERROR 192.0.2.1" || in.Question[0].Name != "EXAMPLE.org." {
			t.Errorf("the answer is %v", in)
		}
	})
}

// An answer that an upstream cut is cut for the tenant too, who then comes by TCP, and so does the question to the upstream.
func TestAnswersThatAnUpstreamCut(t *testing.T) {
	var many []string
	for i := range 200 {
		many = append(many, fmt.Sprintf("192.0.2.%d", i))
	}
	up, _ := upstreamBy(t, func(q *dns.Msg, stream bool) *dns.Msg {
		if stream {
			return says(many...)(q)
		}
		m := says("192.0.2.1")(q)
		m.Truncated = true
		return m
	})
	r := resolver(t, up)
	q := new(dns.Msg).SetQuestion("example.org.", dns.TypeA)
	if in := r.ask(t, "udp", q); !in.Truncated {
		t.Errorf("by datagram the answer is %v", in)
	}
	if in := r.ask(t, "tcp", q); in.Truncated || len(in.Answer) != 200 {
		t.Errorf("by tcp there are %d answers, cut: %v", len(in.Answer), in.Truncated)
	}
}

func TestLongAnswersAreCutToWhatTheAskerTakes(t *testing.T) {
	var many []string
	for i := range 60 {
		many = append(many, fmt.Sprintf("192.0.2.%d", i))
	}
	up, _ := upstream(t, says(many...))
	r := resolver(t, up)
	q := new(dns.Msg).SetQuestion("example.org.", dns.TypeA)
	c := &dns.Client{Net: "udp", Timeout: time.Second, UDPSize: 4096}
	in, _, err := c.Exchange(q, r.address)
	if err != nil {
		t.Fatal(err)
	}
	in.Compress = true // as it came
	if !in.Truncated || in.Len() > dns.MinMsgSize {
		t.Errorf("an answer of %d bytes by datagram, cut: %v", in.Len(), in.Truncated)
	}
	if in := r.ask(t, "tcp", q); len(in.Answer) != 60 {
		t.Errorf("%d answers by tcp, want 60", len(in.Answer))
	}
	q.SetEdns0(4096, false)
	if in := r.ask(t, "udp", q); len(in.Answer) != 60 {
		t.Errorf("%d answers to one who takes long datagrams, want 60", len(in.Answer))
	}
}

func TestConfiguredUpstreams(t *testing.T) {
	for name, tc := range map[string]struct {
		conf string
		want []string
	}{
		"in their order":          {"search example.org\nnameserver 192.0.2.1\nnameserver 192.0.2.2\noptions ndots:2\n", []string{"192.0.2.1:53", "192.0.2.2:53"}},
		"on the machine itself":   {"nameserver 127.0.0.53\n", []string{"127.0.0.53:53"}},
		"by IPv6":                 {"nameserver 2001:db8::1\nnameserver fe80::1%eth0\n", []string{"[2001:db8::1]:53", "[fe80::1%eth0]:53"}},
		"none":                    {"# empty\n", []string{"127.0.0.1:53"}},
		"of a file that is a lie": {"nameserver\n\x00", []string{"127.0.0.1:53"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "resolv.conf")
			if err := os.WriteFile(path, []byte(tc.conf), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := configured(path); !slices.Equal(got, tc.want) {
				t.Errorf("upstreams are %v, want %v", got, tc.want)
			}
		})
	}
	if got := configured("/nonexistent"); !slices.Equal(got, []string{"127.0.0.1:53"}) {
		t.Errorf("without a file: %v", got)
	}
}

// Who is not known, as a container that has just lost its place, asks for nothing of the world.
func TestStrangerAsks(t *testing.T) {
	up, asked := upstream(t, says("192.0.2.99"))
	r := resolver(t, up)
	r.Set(engine.NetworkState{Endpoints: []engine.Endpoint{{ContainerID: "web", Address: netip.MustParseAddr("172.16.0.10"), Names: []string{"web"}}}})
	for _, name := range []string{"example.org.", "web."} {
		if got := text(r.ask(t, "udp", new(dns.Msg).SetQuestion(name, dns.TypeA))); got != "NXDOMAIN" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if asked.Load() != 0 {
		t.Error("the upstream was asked")
	}
}
