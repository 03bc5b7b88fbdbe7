package names

import (
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"github.com/hypercloud/hyper/internal/engine"
)

// table holds the names of an account's containers, lower-case and without the last dot.
type table struct {
	addr map[string]netip.Addr
	name map[netip.Addr]string // the first of a container's names
}

// newTable lists endpoints' names. A name that two have is the first one's.
func newTable(endpoints []engine.Endpoint) *table {
	t := &table{addr: map[string]netip.Addr{}, name: map[netip.Addr]string{}}
	for _, e := range endpoints {
		for _, n := range e.Names {
			n = strings.ToLower(strings.TrimSuffix(n, "."))
			if _, taken := t.addr[n]; taken || n == "" {
				continue
			}
			t.addr[n] = e.Address
			if _, ok := t.name[e.Address]; !ok {
				t.name[e.Address] = n
			}
		}
	}
	return t
}

// answer fills m if the question is about a container or a private address; name is the lower-case question.
func (t *table) answer(m *dns.Msg, ask dns.Question, name string) bool {
	if addr, ok := t.addr[name]; ok {
		if ask.Qtype == dns.TypeA || ask.Qtype == dns.TypeANY {
			m.Answer = append(m.Answer, &dns.A{Hdr: header(ask.Name, dns.TypeA), A: addr.AsSlice()})
		}
		m.Authoritative = true
		return true // of other types there is nothing, which is an answer too
	}
	addr, ok := reverse(name)
	if !ok || !engine.PrivatePrefix.Contains(addr) {
		return false
	}
	m.Authoritative = true
	host, ok := t.name[addr]
	switch {
	case !ok:
		m.Rcode = dns.RcodeNameError
	case ask.Qtype == dns.TypePTR || ask.Qtype == dns.TypeANY:
		if _, valid := dns.IsDomainName(host); valid {
			m.Answer = append(m.Answer, &dns.PTR{Hdr: header(ask.Name, dns.TypePTR), Ptr: dns.Fqdn(host)})
		}
	}
	return true
}

func header(name string, kind uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: ttl}
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
