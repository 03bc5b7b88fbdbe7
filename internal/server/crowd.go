package server

import (
	"net"
	"net/netip"
	"sync"
)

// maxPerSource is how many connections one address may hold. A client of a container cloud has some dozens: one for each log that it
// follows, each terminal and each wait.
const maxPerSource = 512

// crowd lets no address hold all the connections that hyperd can have.
type crowd struct {
	net.Listener
	mu    sync.Mutex
	count map[netip.Addr]int
}

func newCrowd(l net.Listener) *crowd { return &crowd{Listener: l, count: map[netip.Addr]int{}} }

// Accept returns the next connection. One too many of an address is closed.
func (l *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		addr := addrOf(conn)
		if l.enter(addr) {
			return &counted{Conn: conn, leave: sync.OnceFunc(func() { l.leave(addr) })}, nil
		}
		_ = conn.Close()
	}
}

func (l *crowd) enter(addr netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count[addr] >= maxPerSource {
		return false
	}
	l.count[addr]++
	return true
}

func (l *crowd) leave(addr netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count[addr]--; l.count[addr] <= 0 {
		delete(l.count, addr)
	}
}

func addrOf(conn net.Conn) netip.Addr {
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// counted is a connection that is counted until it is closed.
type counted struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.leave()
	return c.Conn.Close()
}

// NetConn is the connection itself, for who looks at its state.
func (c *counted) NetConn() net.Conn { return c.Conn }

// CloseWrite ends the way to the client alone.
func (c *counted) CloseWrite() error {
	if cw, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return nil
}
