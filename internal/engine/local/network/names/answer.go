package names

import (
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// answer answers from memory, or asks the upstreams. Who asks is at from.
func (r *Resolver) answer(q *dns.Msg, from netip.Addr, stream bool) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(q)
	m.RecursionAvailable = true
	if len(q.Question) != 1 { // a header may promise more than follows
		m.Rcode = dns.RcodeFormatError
		return m
	}
	ask := q.Question[0]
	if o := q.IsEdns0(); o != nil {
		m.SetEdns0(payload, o.Do())
		if o.Version() != 0 {
			m.Rcode = dns.RcodeBadVers
			return m
		}
	}
	if ask.Qclass != dns.ClassINET || meta(ask.Qtype) {
		m.Rcode = dns.RcodeRefused // of servers, not of names: who serves the machine is not told
		return m
	}
	name := strings.ToLower(strings.TrimSuffix(ask.Name, "."))
	names := r.table.Load()
	switch {
	case loopback(m, ask, name), names.answer(m, ask, name, from):
	case dns.CountLabel(ask.Name) == 1, !names.outward(from):
		m.Rcode = dns.RcodeNameError // any other answer makes some programs ask again, and wait
	default:
		r.recurse(m, q, from, stream)
	}
	return m
}

// meta tells of types that no record of a name has: transfers of zones, and what is part of the protocol.
func meta(kind uint16) bool {
	return kind == dns.TypeNone || kind == dns.TypeOPT || kind >= 128 && kind < dns.TypeANY
}

// loopback answers for localhost and what is below (RFC 6761, 6.3), whatever containers are called.
func loopback(m *dns.Msg, ask dns.Question, name string) bool {
	if name != "localhost" && !strings.HasSuffix(name, ".localhost") {
		return false
	}
	if ask.Qtype == dns.TypeA || ask.Qtype == dns.TypeANY {
		m.Answer = []dns.RR{&dns.A{Hdr: header(ask.Name, dns.TypeA), A: []byte{127, 0, 0, 1}}}
	}
	m.Authoritative = true
	return true
}

// recurse fills m with what the upstreams say.
func (r *Resolver) recurse(m, q *dns.Msg, from netip.Addr, stream bool) {
	done, ok := r.enter(from)
	if !ok {
		m.Rcode = dns.RcodeRefused
		explain(m, dns.ExtendedErrorCodeOther, "too many questions for names of the world")
		return
	}
	defer done()
	in := forward(q, r.upstreams(), stream)
	if in == nil {
		m.Rcode = dns.RcodeServerFailure
		explain(m, dns.ExtendedErrorCodeNoReachableAuthority, "no upstream server answers")
		return
	}
	m.Rcode, m.Truncated, m.AuthenticatedData = in.Rcode, in.Truncated, in.AuthenticatedData
	m.Answer, m.Ns = in.Answer, in.Ns
	for _, rr := range in.Extra {
		if t := rr.Header().Rrtype; t != dns.TypeOPT && t != dns.TypeTSIG { // between the upstream and us
			m.Extra = append(m.Extra, rr)
		}
	}
	if r.table.Load().guard(r.machine).clean(m) { // of now: a network may have come meanwhile
		explain(m, dns.ExtendedErrorCodeBlocked, "addresses of the account's own networks, or of the machine, were taken out")
		r.log.Debug("an answer leads into the account's own networks, or to the machine", "name", q.Question[0].Name)
	}
}

// explain adds a reason (RFC 8914) for those who can read it.
func explain(m *dns.Msg, code uint16, text string) {
	if o := m.IsEdns0(); o != nil {
		o.Option = append(o.Option, &dns.EDNS0_EDE{InfoCode: code, ExtraText: text})
	}
}
