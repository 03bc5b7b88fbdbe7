package names

import (
	"context"
	"net"
	"os"
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
	out := q.Copy()
	out.Id = dns.Id() // the tenant's choice of numbers is not ours
	results := make(chan *dns.Msg, len(upstreams))
	next, pending := 0, 0
	ask := func() {
		if next == len(upstreams) {
			return
		}
		up := upstreams[next]
		next, pending = next+1, pending+1
		go func() { results <- exchange(ctx, out.Copy(), up, stream) }()
	}
	timer := time.NewTicker(patience)
	defer timer.Stop()
	var last *dns.Msg
	for ask(); pending > 0; {
		select {
		case in := <-results:
			pending--
			if in != nil {
				in.Id = q.Id
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

// exchange asks one upstream; nil when it gave no answer that can be read.
func exchange(ctx context.Context, q *dns.Msg, upstream string, stream bool) *dns.Msg {
	c := &dns.Client{Net: "udp", Timeout: deadline, UDPSize: dns.MaxMsgSize}
	if stream {
		c.Net = "tcp"
	}
	in, _, err := c.ExchangeContext(ctx, q, upstream)
	if err != nil {
		return nil
	}
	return in
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
