package names

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

// backlog is how many bytes of datagrams the kernel keeps until they are read: some thousand questions, so that those of others are
// not lost before the ones that are too many have been dropped.
const backlog = 1 << 20

// widen sets it. Without the right to do so what the machine gives to everybody has to do.
func widen(packets net.PacketConn) {
	if c, err := packets.(*net.UDPConn).SyscallConn(); err == nil {
		_ = c.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, backlog) })
	}
}

// datagrams reads them. That of one who asks too much is dropped before anything is made of it: not to answer is what makes
// resolvers ask less. All others have a place among those under way, so that their goroutines, of which the server makes
// one for each, are no more than the places.
type datagrams struct {
	dns.Reader
	r      *Resolver
	buffer []byte
}

// ReadUDP implements dns.Reader. One goroutine calls it. It waits for the next datagram as long as the socket is open.
func (d *datagrams) ReadUDP(conn *net.UDPConn, _ time.Duration) ([]byte, *dns.SessionUDP, error) {
	for {
		n, session, err := dns.ReadFromSessionUDP(conn, d.buffer)
		if err != nil {
			return nil, nil, err
		}
		if d.r.asker(address(session.RemoteAddr())).questions.Allow() {
			d.r.places <- struct{}{}
			return slices.Clone(d.buffer[:n]), session, nil
		}
	}
}

// dialogue reads what comes by TCP. One that asks too much is ended.
type dialogue struct {
	dns.Reader
	r *Resolver
}

var errTooMany = errors.New("too many questions")

// ReadTCP implements dns.Reader.
func (d dialogue) ReadTCP(conn net.Conn, timeout time.Duration) ([]byte, error) {
	m, err := d.Reader.ReadTCP(conn, timeout)
	if err == nil && !d.r.asker(address(conn.RemoteAddr())).questions.Allow() {
		return nil, errTooMany
	}
	return m, err
}

// accept takes single questions, with room for what EDNS and signatures add. Answers are not even refused: two
// resolvers would talk without an end.
func accept(h dns.Header) dns.MsgAcceptAction {
	const response, opcode = 1 << 15, 0xF << 11
	switch {
	case h.Bits&response != 0:
		return dns.MsgIgnore
	case h.Bits&opcode != dns.OpcodeQuery<<11:
		return dns.MsgRejectNotImplemented
	case h.Qdcount != 1 || h.Ancount > 0 || h.Nscount > 0 || h.Arcount > 2:
		return dns.MsgReject
	}
	return dns.MsgAccept
}

// streams bounds the TCP connections of each who asks.
type streams struct {
	net.Listener
	r *Resolver
}

// Accept implements net.Listener.
func (l streams) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		places := l.r.asker(address(conn.RemoteAddr())).streams
		if take(places) {
			return &stream{Conn: conn, free: sync.OnceFunc(func() { <-places })}, nil
		}
		_ = conn.Close()
	}
}

// stream is a connection that has one of its asker's places, until it is closed.
type stream struct {
	net.Conn
	free func()
}

// Write implements net.Conn. Who does not read its answers is not waited for.
func (s *stream) Write(b []byte) (int, error) {
	if err := s.SetWriteDeadline(time.Now().Add(idleStream)); err != nil {
		return 0, err
	}
	return s.Conn.Write(b)
}

// Close implements net.Conn.
func (s *stream) Close() error {
	defer s.free()
	return s.Conn.Close()
}

// address is that of a socket's other end.
func address(a net.Addr) netip.Addr {
	switch a := a.(type) {
	case *net.UDPAddr:
		return a.AddrPort().Addr().Unmap()
	case *net.TCPAddr:
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
