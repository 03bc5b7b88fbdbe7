package names

import (
	"context"
	"net"
	"os"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	// patience is how long one upstream is waited for before the next is asked too. Resolvers in containers ask
	// again after five seconds.
	patience = time.Second
	// deadline bounds the whole.
	deadline = 4500 * time.Millisecond
)

// forward asks the upstreams, one after the other, until one answers; nil when none does. One that cannot or will not
// answer (SERVFAIL, REFUSED) has the say only if no other has.
func forward(q *dns.Msg, upstreams []string, stream bool) *dns.Msg {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	results := make(chan *dns.Msg, len(upstreams))
	next, pending := 0, 0
	ask := func() {
		if next == len(upstreams) {
			return
		}
		up := upstreams[next]
		next, pending = next+1, pending+1
		go func() { results <- exchange(ctx, outgoing(q), up, stream) }()
	}
	timer := time.NewTicker(patience)
	defer timer.Stop()
	var last *dns.Msg
	for ask(); pending > 0; {
		select {
		case in := <-results:
			pending--
			if in != nil {
				if in.Rcode != dns.RcodeServerFailure && in.Rcode != dns.RcodeRefused {
					return in
				}
				last = in
			}
			ask()
		case <-timer.C:
			ask()
		case <-ctx.Done():
			return last
		}
	}
	return last
}

// outgoing is the question as an upstream hears it: what is asked, in the tenant's letters, and how. The number is another, and
// what else the tenant added (its subnet, cookies, padding) is between it and us.
func outgoing(q *dns.Msg) *dns.Msg {
	out := new(dns.Msg)
	out.Id = dns.Id()
	out.RecursionDesired, out.CheckingDisabled, out.AuthenticatedData = q.RecursionDesired, q.CheckingDisabled, q.AuthenticatedData
	out.Question = []dns.Question{q.Question[0]}
	if o := q.IsEdns0(); o != nil {
		out.SetEdns0(min(o.UDPSize(), largest), o.Do())
	}
	return out
}

// exchange asks one upstream; nil when it gave no answer that can be used.
func exchange(ctx context.Context, q *dns.Msg, upstream string, stream bool) *dns.Msg {
	c := &dns.Client{Net: "udp", Timeout: deadline, UDPSize: dns.DefaultMsgSize}
	if stream {
		c.Net = "tcp"
	}
	conn, err := c.DialContext(ctx, upstream)
	if err != nil {
		return nil
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })() // another was faster
	in, _, err := c.ExchangeWithConnContext(ctx, q, conn)
	if err != nil || !answers(in, q) {
		return nil
	}
	return in
}

// answers tells whether in is about q; its number is. Who only says that it failed need not repeat the question.
func answers(in, q *dns.Msg) bool {
	if !in.Response || in.Opcode != dns.OpcodeQuery || in.Rcode > 0xF { // those of EDNS are about our own question, not the tenant's
		return false
	}
	if len(in.Question) == 0 {
		return in.Rcode != dns.RcodeSuccess && in.Rcode != dns.RcodeNameError
	}
	a, b := in.Question[0], q.Question[0]
	return len(in.Question) == 1 && a.Qtype == b.Qtype && a.Qclass == b.Qclass && strings.EqualFold(a.Name, b.Name)
}

// configured reads the name servers of a resolv.conf; without any, the machine's own is meant.
func configured(path string) []string {
	var servers []string
	if f, err := os.Open(path); err == nil {
		defer f.Close()
		if c, err := dns.ClientConfigFromReader(f); err == nil {
			servers = c.Servers
		}
	}
	if len(servers) == 0 {
		servers = []string{"127.0.0.1"}
	}
	return withPorts(servers)
}

// withPorts adds the usual port to addresses that have none.
func withPorts(servers []string) []string {
	out := make([]string, 0, len(servers))
	for _, s := range servers {
		if _, _, err := net.SplitHostPort(s); err != nil {
			s = net.JoinHostPort(s, "53")
		}
		out = append(out, s)
	}
	return out
}
