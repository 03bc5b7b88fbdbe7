// Package names answers an account's DNS questions.
//
// The names of an account's containers are answered from memory, with a short time to live, and so are their reverse
// names: to each container, which its address tells, those of the networks that it is in. Every other name is asked of the upstream servers from the machine's own network. A name of a single label
// that nobody has does not exist, and is not asked of anyone: what a tenant calls its containers is nobody else's business. Containers that are in internal networks only ask for nothing of the world.
//
// The resolver's sockets are in the namespace of whoever calls Serve; those to the upstreams in the process's own, so
// that resolvers on the machine's loopback work and no question can come back here.
package names

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/netutil"

	"github.com/hypercloud/hyper/internal/engine"
)

const (
	ttl         = 5 // seconds
	maxForwards = 64
	maxStreams  = 64 // TCP connections at a time
	idleStream  = 5 * time.Second
	payload     = 1232 // bytes of a UDP answer that need no fragments anywhere
)

// Resolver serves one account.
type Resolver struct {
	address   string
	upstreams func() []string
	log       *slog.Logger
	table     atomic.Pointer[table]
	forwards  chan struct{}
	servers   []*dns.Server
	sockets   []interface{ Close() error }
	alive     atomic.Int32 // servers that answer
}

// New makes a resolver that serves nothing yet. upstreams are addresses of DNS servers, with or without a port; none:
// those of /etc/resolv.conf at the time of each question.
func New(upstreams []string, log *slog.Logger) *Resolver {
	r := &Resolver{
		address:   net.JoinHostPort(engine.PrivateGateway.String(), "53"),
		upstreams: func() []string { return withPorts(upstreams) },
		log:       log,
		forwards:  make(chan struct{}, maxForwards),
	}
	if len(upstreams) == 0 {
		r.upstreams = func() []string { return configured("/etc/resolv.conf") }
	}
	r.table.Store(newTable(engine.NetworkState{}))
	return r
}

// Set replaces the names.
func (r *Resolver) Set(state engine.NetworkState) { r.table.Store(newTable(state)) }

// Serve opens the sockets on the calling thread and answers until Close.
func (r *Resolver) Serve() error {
	packets, err := net.ListenPacket("udp4", r.address)
	if err != nil {
		return err
	}
	streams, err := net.Listen("tcp4", r.address)
	if err != nil {
		packets.Close()
		return err
	}
	r.sockets = append(r.sockets, packets, streams)
	h := dns.HandlerFunc(r.serve)
	idle := func() time.Duration { return idleStream }
	for _, s := range []*dns.Server{
		{PacketConn: packets, Handler: h, UDPSize: dns.DefaultMsgSize},
		{Listener: netutil.LimitListener(streams, maxStreams), Handler: h, IdleTimeout: idle},
	} {
		r.servers = append(r.servers, s)
		ready := make(chan struct{})
		s.NotifyStartedFunc = func() { close(ready) }
		done := make(chan struct{})
		r.alive.Add(1)
		go func() {
			defer close(done)
			defer r.alive.Add(-1)
			if err := s.ActivateAndServe(); err != nil && !errors.Is(err, net.ErrClosed) {
				r.log.Error("the resolver of an account ended", "error", err)
			}
		}()
		select { // so that Close finds it started
		case <-ready:
		case <-done:
			return fmt.Errorf("the resolver did not start")
		}
	}
	return nil
}

// Serving tells whether both of its servers, for datagrams and streams, are there.
func (r *Resolver) Serving() bool { return r.alive.Load() == 2 }

// Close stops serving. Questions under way may go unanswered.
func (r *Resolver) Close() {
	for _, s := range r.sockets {
		_ = s.Close()
	}
	for _, s := range r.servers {
		go func() { _ = s.Shutdown() }() // ends idle connections; it waits for questions under way, which end by themselves
	}
	r.sockets, r.servers = nil, nil
}

func (r *Resolver) serve(w dns.ResponseWriter, q *dns.Msg) {
	_, stream := w.RemoteAddr().(*net.TCPAddr)
	from, _ := netip.ParseAddrPort(w.RemoteAddr().String())
	a := r.answer(q, from.Addr().Unmap(), stream)
	if !stream {
		size := dns.MinMsgSize
		if o := q.IsEdns0(); o != nil {
			size = int(o.UDPSize())
		}
		a.Truncate(size)
	}
	_ = w.WriteMsg(a)
}

// answer answers from memory, or asks the upstreams.
func (r *Resolver) answer(q *dns.Msg, from netip.Addr, stream bool) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(q)
	m.RecursionAvailable = true
	if o := q.IsEdns0(); o != nil {
		m.SetEdns0(payload, false)
	}
	if len(q.Question) != 1 || q.Opcode != dns.OpcodeQuery {
		m.Rcode = dns.RcodeNotImplemented
		return m
	}
	ask := q.Question[0]
	name := strings.ToLower(strings.TrimSuffix(ask.Name, "."))
	names := r.table.Load()
	if ask.Qclass == dns.ClassINET && names.answer(m, ask, name, from) {
		return m
	}
	if name != "" && !strings.Contains(name, ".") {
		m.Rcode = dns.RcodeNameError
		return m
	}
	if !names.outward(from) {
		m.Rcode = dns.RcodeNameError // any other answer makes some programs ask again, and wait
		return m
	}
	select {
	case r.forwards <- struct{}{}:
		defer func() { <-r.forwards }()
	default:
		m.Rcode = dns.RcodeServerFailure // too many are under way
		return m
	}
	if in := forward(q, r.upstreams(), stream); in != nil {
		return in
	}
	m.Rcode = dns.RcodeServerFailure
	return m
}
