// Package gateway is how the client's two libraries reach a region over TLS, each request signed.
//
// Docker's library writes the requests that become raw streams (attach, exec) on a connection of its own, where
// nothing can be added to them. So both libraries are given a dial function whose connections end in this process:
// a socket pair, and at its other end an HTTP server which signs what it is asked and passes it on. A socket pair and
// not net.Pipe, since the end of the input is a half-closed connection.
//
//	library -- socket pair -- handler: hold the body, sign -- TLS -- region
//
// Each such connection has one to the region of its own. It is made first, so that what is wrong with it (nobody
// there, a certificate of somebody else) is an error of dialling, as the libraries expect it.
package gateway

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hypercloud/hyper/internal/signature"
)

// Config says where a region is and how to prove an account there.
type Config struct {
	// Address is host and port. It is also the Host of every request.
	Address string
	// BasePath stands before every path. Empty, or with a leading and no trailing slash.
	BasePath string
	// TLS may be nil: the system's roots, and no certificate of one's own.
	TLS *tls.Config
	// Key signs. Without an access key requests go out as they are, since a certificate or a header of the user's may
	// prove the account.
	Key signature.Key
	// Region is named in the signatures.
	Region string
}

// The times after which a region that does not answer counts as unreachable. A request may take for ever.
const (
	dialTimeout      = 30 * time.Second
	handshakeTimeout = 15 * time.Second
)

// Gateway makes connections to one region.
type Gateway struct {
	config    Config
	transport *http.Transport
	server    *http.Server
	inner     *listener
	now       func() time.Time
	temporary string // directory for large bodies; empty: the system's
}

// New makes a gateway. Nothing is connected before the first Dial.
func New(c Config) *Gateway {
	c.BasePath = strings.TrimSuffix(c.BasePath, "/")
	g := &Gateway{
		config: c,
		transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
			TLSClientConfig:     c.TLS,
			TLSHandshakeTimeout: handshakeTimeout,
			DisableCompression:  true, // Answers pass as they are.
		},
		inner: &listener{conns: make(chan *conn), closed: make(chan struct{})},
		now:   time.Now,
	}
	g.server = &http.Server{
		Handler:     g,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		ConnState:   drop,
		ErrorLog:    log.New(io.Discard, "", 0), // What fails is told to the library that asked.
	}
	go g.server.Serve(g.inner)
	return g
}

// Dial connects to the region. It has the form of a transport's DialContext; network and address are the libraries'
// own and do not matter.
func (g *Gateway) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	region, err := g.connect(ctx)
	if err != nil {
		return nil, err
	}
	ours, theirs, err := pair()
	if err != nil {
		region.Close()
		return nil, err
	}
	select {
	case g.inner.conns <- &conn{duplex: ours, region: region}:
		return theirs, nil
	case <-g.inner.closed:
		ours.Close()
		theirs.Close()
		region.Close()
		return nil, net.ErrClosed
	}
}

func (g *Gateway) connect(ctx context.Context) (*http.ClientConn, error) {
	return g.transport.NewClientConn(ctx, "https", g.config.Address)
}

// Close ends every connection that is not a raw stream.
func (g *Gateway) Close() error { return g.server.Close() }

// conn is the gateway's end of a connection, with the one to the region that belongs to it.
type conn struct {
	duplex
	region *http.ClientConn
}

// duplex is a connection each of whose directions can be closed alone.
type duplex interface {
	net.Conn
	CloseWrite() error
}

type connKey struct{}

// drop closes the connection to the region when the library is done with its own.
func drop(c net.Conn, state http.ConnState) {
	if state == http.StateClosed {
		c.(*conn).region.Close()
	}
}

// listener hands the server its ends.
type listener struct {
	conns  chan *conn
	closed chan struct{}
	once   sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return &net.UnixAddr{Net: "unix", Name: "gateway"} }
