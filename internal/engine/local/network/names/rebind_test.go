package names

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/hypercloud/hyper/internal/engine"
)

// records answers with records in the form of a zone file; $ is the name that is asked for, and those after "extra" are additional.
func records(list ...string) func(q *dns.Msg) *dns.Msg {
	return func(q *dns.Msg) *dns.Msg {
		m := new(dns.Msg).SetReply(q)
		m.AuthenticatedData = true
		to := &m.Answer
		for _, s := range list {
			if s == "extra" {
				to = &m.Extra
				continue
			}
			rr, err := dns.NewRR(strings.ReplaceAll(s, "$", q.Question[0].Name))
			if err != nil {
				panic(err)
			}
			*to = append(*to, rr)
		}
		return m
	}
}

// sections writes an answer as type and data, the additional ones after "+".
func sections(m *dns.Msg) string {
	s := text(&dns.Msg{MsgHdr: m.MsgHdr})
	for i, list := range [][]dns.RR{m.Answer, m.Extra} {
		for _, rr := range list {
			if rr.Header().Rrtype == dns.TypeOPT {
				continue
			}
			if i == 1 {
				s += " +"
			}
			s += " " + dns.TypeToString[rr.Header().Rrtype] + " " + strings.TrimPrefix(rr.String(), rr.Header().String())
		}
	}
	return s
}

func TestNoNameOfTheWorldLeadsHome(t *testing.T) {
	const sig = " 60 IN RRSIG A 8 2 60 20300101000000 20200101000000 1 example.org. AAAA"
	for name, tc := range map[string]struct {
		says  []string
		want  string
		taken bool
	}{
		"an address of the world":             {[]string{"$ 60 IN A 192.0.2.1"}, "NOERROR A 192.0.2.1", false},
		"of the operator's network":           {[]string{"$ 60 IN A 10.9.9.9", "$ 60 IN A 192.168.1.1"}, "NOERROR A 10.9.9.9 A 192.168.1.1", false},
		"a floating IP":                       {[]string{"$ 60 IN A 198.18.0.2"}, "NOERROR A 198.18.0.2", false},
		"a neighbour":                         {[]string{"$ 60 IN A 172.16.0.11"}, "NOERROR", true},
		"beside the account's network":        {[]string{"$ 60 IN A 172.17.0.11"}, "NOERROR A 172.17.0.11", false},
		"the router":                          {[]string{"$ 60 IN A 172.16.0.1"}, "NOERROR", true},
		"a network that the account made":     {[]string{"$ 60 IN A 10.5.0.9"}, "NOERROR", true},
		"an internal one":                     {[]string{"$ 60 IN A 10.6.0.9"}, "NOERROR", true},
		"an uplink":                           {[]string{"$ 60 IN A 100.64.0.1"}, "NOERROR", true},
		"shared addresses that are no uplink": {[]string{"$ 60 IN A 100.100.0.1"}, "NOERROR A 100.100.0.1", false},
		"loopback":                            {[]string{"$ 60 IN A 127.0.0.1"}, "NOERROR", true},
		"an entry of a list of spammers":      {[]string{"$ 60 IN A 127.0.0.2"}, "NOERROR A 127.0.0.2", false},
		"link-local":                          {[]string{"$ 60 IN A 169.254.169.254"}, "NOERROR", true},
		"no address":                          {[]string{"$ 60 IN A 0.0.0.0"}, "NOERROR", true},
		"some of several":                     {[]string{"$ 60 IN A 192.0.2.1", "$ 60 IN A 172.16.0.11", "$ 60 IN A 192.0.2.2"}, "NOERROR A 192.0.2.1 A 192.0.2.2", true},
		"an IPv6 address of the world":        {[]string{"$ 60 IN AAAA 2001:db8::1"}, "NOERROR AAAA 2001:db8::1", false},
		"a neighbour, mapped":                 {[]string{"$ 60 IN AAAA ::ffff:172.16.0.11"}, "NOERROR", true},
		"a neighbour, compatible":             {[]string{"$ 60 IN AAAA ::172.16.0.11"}, "NOERROR", true},
		"a neighbour, by NAT64":               {[]string{"$ 60 IN AAAA 64:ff9b::ac10:b"}, "NOERROR", true},
		"the world, by NAT64":                 {[]string{"$ 60 IN AAAA 64:ff9b::c000:201"}, "NOERROR AAAA 64:ff9b::c000:201", false},
		"loopback by IPv6":                    {[]string{"$ 60 IN AAAA ::1"}, "NOERROR", true},
		"no address by IPv6":                  {[]string{"$ 60 IN AAAA ::"}, "NOERROR", true},
		"link-local by IPv6":                  {[]string{"$ 60 IN AAAA fe80::1"}, "NOERROR", true},
		"aliases stay": {
			[]string{"$ 60 IN CNAME a.example.net.", "a.example.net. 60 IN CNAME b.example.net.", "b.example.net. 60 IN A 172.16.0.11"},
			"NOERROR CNAME a.example.net. CNAME b.example.net.", true,
		},
		"additional addresses": {
			[]string{"$ 60 IN MX 1 m.example.net.", "extra", "m.example.net. 60 IN A 172.16.0.11", "m.example.net. 60 IN AAAA ::ffff:10.5.0.9", "m.example.net. 60 IN A 192.0.2.1"},
			"NOERROR MX 1 m.example.net. + A 192.0.2.1", true,
		},
		"signatures go with what they sign": {
			[]string{"$ 60 IN A 172.16.0.11", "$" + sig, "$ 60 IN A 192.0.2.1"}, "NOERROR A 192.0.2.1", true,
		},
		"service bindings": {
			[]string{`$ 60 IN HTTPS 1 . alpn="h2" ipv4hint="172.16.0.11"`, `$ 60 IN HTTPS 2 . ipv6hint="::1"`, `$ 60 IN HTTPS 3 . ipv4hint="192.0.2.1"`, `$ 60 IN SVCB 4 . ipv4hint="10.6.0.1"`},
			`NOERROR HTTPS 3 . ipv4hint="192.0.2.1"`, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			up, _ := upstream(t, records(tc.says...))
			r := resolver(t, up)
			r.Set(engine.NetworkState{
				Networks: []engine.PrivateNetwork{
					{ID: "made", Subnet: netip.MustParsePrefix("10.5.0.0/24")}, {ID: "internal", Subnet: netip.MustParsePrefix("10.6.0.0/24"), Internal: true},
				},
				Endpoints: []engine.Endpoint{{ContainerID: "me", Address: netip.MustParseAddr("127.0.0.1")}},
			})
			for _, network := range []string{"udp", "tcp"} {
				q := new(dns.Msg).SetQuestion("example.org.", dns.TypeA)
				q.SetEdns0(payload, true)
				in := r.ask(t, network, q)
				if got := sections(in); got != tc.want {
					t.Errorf("by %s the answer is %q, want %q", network, got, tc.want)
				}
				told := slices.ContainsFunc(in.IsEdns0().Option, func(o dns.EDNS0) bool {
					e, ok := o.(*dns.EDNS0_EDE)
					return ok && e.InfoCode == dns.ExtendedErrorCodeBlocked
				})
				if told != tc.taken || in.AuthenticatedData == tc.taken {
					t.Errorf("by %s: told that addresses are missing: %v, authentic: %v", network, told, in.AuthenticatedData)
				}
			}
		})
	}
}

// An answer of the operator's network is one until the account has a network there.
func TestNetworkThatComesLater(t *testing.T) {
	up, _ := upstream(t, says("10.5.0.9"))
	r := resolver(t, up)
	q := new(dns.Msg).SetQuestion("intranet.example.org.", dns.TypeA)
	state := engine.NetworkState{Endpoints: []engine.Endpoint{{ContainerID: "me", Address: netip.MustParseAddr("127.0.0.1")}}}
	made := state
	made.Networks = []engine.PrivateNetwork{{ID: "made", Subnet: netip.MustParsePrefix("10.5.0.0/24")}}
	for _, tc := range []struct {
		state engine.NetworkState
		want  string
	}{{state, "NOERROR 10.5.0.9"}, {made, "NOERROR"}, {state, "NOERROR 10.5.0.9"}} {
		r.Set(tc.state)
		if got := text(r.ask(t, "udp", q)); got != tc.want {
			t.Errorf("with networks %v the answer is %q, want %q", tc.state.Networks, got, tc.want)
		}
	}
}
