// Package names answers an account's DNS questions.
//
// The names of an account's containers are answered from memory (table.go), with a short time to live, and so are their reverse
// names: to each container, which its address tells, those of the networks that it is in. Every other name is asked of the
// upstream servers from the machine's own network (forward.go), and what they say never leads into the account's own networks
// or to the machine (rebind.go). A name of a single label that nobody has does not exist, and is not asked of anyone: what a
// tenant calls its containers is nobody else's business. Containers that are in internal networks only ask for nothing of the world.
//
// What one container may ask is bounded, so that there is time for the others (pace.go, intake.go): too many questions are
// not heard, too many for names of the world are refused.
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
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/netutil"

	"github.com/hypercloud/hyper/internal/engine"
)

const (
	ttl        = 5 // seconds
	idleStream = 5 * time.Second
	payload    = 1232 // bytes of a UDP answer that need no fragments anywhere
	largest    = 4096 // bytes of a datagram, for those who say that they take so many
)

// Resolver serves one account.
type Resolver struct {
	address   string
	upstreams func() []string
	machine   guard // what is the machine's, and not for names of the world
	log       *slog.Logger
	table     atomic.Pointer[table]
	pace      *pace
	places    chan struct{} // of datagrams under way
	servers   []*dns.Server
	sockets   []interface{ Close() error }
	alive     atomic.Int32 // servers that answer
}

// New makes a resolver that serves nothing yet. upstreams are addresses of DNS servers, with or without a port; none:
// those of /etc/resolv.conf at the time of each question. uplinks are the addresses between the machine and the routers.
func New(upstreams []string, uplinks netip.Prefix, log *slog.Logger) *Resolver {
	r := &Resolver{
		address:   net.JoinHostPort(engine.PrivateGateway.String(), "53"),
		upstreams: func() []string { return withPorts(upstreams) },
		machine:   append(guard{uplinks}, nowhere...),
		log:       log,
		pace:      newPace(usual),
		places:    make(chan struct{}, usual.atOnce),
	}
	if len(upstreams) == 0 {
		r.upstreams = func() []string { return configured("/etc/resolv.conf") }
	}
	r.table.Store(newTable(engine.NetworkState{}))
	return r
}

// Set replaces the names.
func (r *Resolver) Set(state engine.NetworkState) {
	t := newTable(state)
	r.table.Store(t)
	r.pace.forget(t)
}

// Serve opens the sockets on the calling thread and answers until Close.
func (r *Resolver) Serve() error {
	packets, err := net.ListenPacket("udp4", r.address)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp4", r.address)
	if err != nil {
		packets.Close()
		return err
	}
	r.sockets = append(r.sockets, packets, listener)
	widen(packets)
	leave := func() { <-r.places }
	for _, s := range []*dns.Server{
		{ // a datagram that has been read ends in one of the three functions
			PacketConn: packets,
			DecorateReader: func(next dns.Reader) dns.Reader {
				return &datagrams{Reader: next, r: r, buffer: make([]byte, dns.DefaultMsgSize)}
			},
			Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) { defer leave(); r.serve(w, q) }),
			MsgAcceptFunc: func(h dns.Header) dns.MsgAcceptAction {
				action := accept(h)
				if action != dns.MsgAccept {
					leave()
				}
				return action
			},
			MsgInvalidFunc: func([]byte, error) { leave() },
		},
		{
			Listener:       streams{netutil.LimitListener(listener, r.pace.allStream), r},
			DecorateReader: func(next dns.Reader) dns.Reader { return dialogue{next, r} },
			Handler:        dns.HandlerFunc(r.serve), MsgAcceptFunc: accept, IdleTimeout: func() time.Duration { return idleStream },
		},
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
	a := r.answer(q, address(w.RemoteAddr()), stream)
	size := dns.MinMsgSize
	switch o := q.IsEdns0(); {
	case stream:
		size = dns.MaxMsgSize
	case o != nil:
		size = min(int(o.UDPSize()), largest)
	}
	a.Truncate(size)
	_ = w.WriteMsg(a)
}
