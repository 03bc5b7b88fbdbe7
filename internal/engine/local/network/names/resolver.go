// Package names answers an account's DNS questions.
//
// The names of an account's containers are answered from memory, with a short time to live; their reverse names too;
// every other name is asked of the upstream servers from the machine's own network. A name of a single label that
// nobody has does not exist, and is not asked of anyone.
package names

import (
	"net"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"github.com/hypercloud/hyper/internal/engine"
)

const (
	ttl            = 5 // seconds
	forwardTimeout = 3 * time.Second
	maxForwards    = 64
)

// Resolver serves one account.
type Resolver struct {
	upstreams []string
	table     atomic.Pointer[table]
	forwards  chan struct{}
	servers   []*dns.Server
}

type table struct {
	addr map[string]netip.Addr
	name map[netip.Addr]string
}

// Start serves on the given sockets until Close. upstreams are addresses of DNS servers; none: those of /etc/resolv.conf.
func Start(packets net.PacketConn, streams net.Listener, upstreams []string) *Resolver {
	r := &Resolver{upstreams: upstreams, forwards: make(chan struct{}, maxForwards)}
	r.table.Store(&table{})
	h := dns.HandlerFunc(r.answer)
	r.servers = []*dns.Server{{PacketConn: packets, Handler: h}, {Listener: streams, Handler: h}}
	for _, s := range r.servers {
		go func() { _ = s.ActivateAndServe() }()
	}
	return r
}

// Close stops serving.
func (r *Resolver) Close() {
	for _, s := range r.servers {
		if s.PacketConn != nil {
			_ = s.PacketConn.Close()
		}
		if s.Listener != nil {
			_ = s.Listener.Close()
		}
	}
}

// Set replaces the names.
func (r *Resolver) Set(endpoints []engine.Endpoint) {
	t := &table{addr: map[string]netip.Addr{}, name: map[netip.Addr]string{}}
	for _, e := range endpoints {
		for i, n := range e.Names {
			n = strings.ToLower(strings.TrimSuffix(n, "."))
			if _, taken := t.addr[n]; !taken {
				t.addr[n] = e.Address
			}
			if i == 0 {
				t.name[e.Address] = n
			}
		}
	}
	r.table.Store(t)
}

func (r *Resolver) answer(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg)
	m.SetReply(q)
	m.RecursionAvailable = true
	if len(q.Question) != 1 || q.Opcode != dns.OpcodeQuery {
		m.Rcode = dns.RcodeNotImplemented
		_ = w.WriteMsg(m)
		return
	}
	ask := q.Question[0]
	name := strings.ToLower(strings.TrimSuffix(ask.Name, "."))
	t := r.table.Load()
	if addr, ok := t.addr[name]; ok {
		if ask.Qtype == dns.TypeA || ask.Qtype == dns.TypeANY {
			m.Answer = append(m.Answer, &dns.A{Hdr: head(ask.Name, dns.TypeA), A: addr.AsSlice()})
		}
		_ = w.WriteMsg(m)
		return
	}
	if addr, ok := reverse(name); ok && engine.PrivatePrefix.Contains(addr) {
		if host, ok := t.name[addr]; ok {
			m.Answer = append(m.Answer, &dns.PTR{Hdr: head(ask.Name, dns.TypePTR), Ptr: dns.Fqdn(host)})
		} else {
			m.Rcode = dns.RcodeNameError
		}
		_ = w.WriteMsg(m)
		return
	}
	if !strings.Contains(name, ".") && name != "" {
		m.Rcode = dns.RcodeNameError
		_ = w.WriteMsg(m)
		return
	}
	r.forward(w, q, m)
}

func head(name string, kind uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: ttl}
}

func (r *Resolver) forward(w dns.ResponseWriter, q, m *dns.Msg) {
	m.Rcode = dns.RcodeServerFailure
	select {
	case r.forwards <- struct{}{}:
		defer func() { <-r.forwards }()
	default:
		_ = w.WriteMsg(m)
		return
	}
	network := "udp"
	if _, tcp := w.RemoteAddr().(*net.TCPAddr); tcp {
		network = "tcp"
	}
	client := &dns.Client{Net: network, Timeout: forwardTimeout, UDPSize: dns.DefaultMsgSize}
	for _, up := range r.servers4() {
		if in, _, err := client.Exchange(q, up); err == nil {
			in.Id = q.Id
			_ = w.WriteMsg(in)
			return
		}
	}
	_ = w.WriteMsg(m)
}

// servers4 are the upstreams as host:port.
func (r *Resolver) servers4() []string {
	list := r.upstreams
	if len(list) == 0 {
		if raw, err := os.Open("/etc/resolv.conf"); err == nil {
			defer raw.Close()
			if c, err := dns.ClientConfigFromReader(raw); err == nil {
				list = c.Servers
			}
		}
	}
	var out []string
	for _, s := range list {
		if s == engine.PrivateGateway.String() {
			continue
		}
		if _, _, err := net.SplitHostPort(s); err != nil {
			s = net.JoinHostPort(s, "53")
		}
		out = append(out, s)
	}
	return out
}

// reverse reads 30.0.16.172.in-addr.arpa.
func reverse(name string) (netip.Addr, bool) {
	rest, ok := strings.CutSuffix(name, ".in-addr.arpa")
	if !ok {
		return netip.Addr{}, false
	}
	f := strings.Split(rest, ".")
	if len(f) != 4 {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(f[3] + "." + f[2] + "." + f[1] + "." + f[0])
	return addr, err == nil
}
