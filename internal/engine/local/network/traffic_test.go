package network

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netns"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// patience is how long a test waits for an answer that should not come.
const patience = 400 * time.Millisecond

// serve answers in ns: it says "<name> <caller's address>", and then echoes lines.
func serve(t testing.TB, ns netns.NsHandle, addr, name string) {
	t.Helper()
	must(t, within(ns, func() error {
		l, err := net.Listen("tcp4", addr)
		if err != nil {
			return err
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
					fmt.Fprintln(c, name, host)
					_, _ = io.Copy(c, c)
				}()
			}
		}()
		p, err := net.ListenPacket("udp4", addr)
		if err != nil {
			return err
		}
		t.Cleanup(func() { _ = p.Close() })
		go func() {
			b := make([]byte, 1500)
			for {
				_, from, err := p.ReadFrom(b)
				if err != nil {
					return
				}
				host, _, _ := net.SplitHostPort(from.String())
				_, _ = p.WriteTo(fmt.Appendln(nil, name, host), from)
			}
		}()
		return nil
	}))
}

// conn is an open connection to serve.
type conn struct {
	net.Conn
	r     *bufio.Reader
	greet string
}

func (c *conn) echo() error {
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, "hello\n"); err != nil {
		return err
	}
	s, err := c.r.ReadString('\n')
	if err == nil && s != "hello\n" {
		return fmt.Errorf("echo is %q", s)
	}
	return err
}

// dial calls from ns.
func dial(ns netns.NsHandle, network, addr string) (c *conn, err error) {
	err = within(ns, func() error {
		d := net.Dialer{Timeout: patience}
		nc, err := d.Dial(network, addr)
		if err != nil {
			return err
		}
		c = &conn{Conn: nc, r: bufio.NewReader(nc)}
		_ = c.SetDeadline(time.Now().Add(patience))
		if network == "udp4" {
			if _, err := io.WriteString(c, "hello"); err != nil {
				return err
			}
		}
		c.greet, err = c.r.ReadString('\n')
		c.greet = strings.TrimSpace(c.greet)
		return err
	})
	return c, err
}

// call returns what the server says, or how it failed: "refused", "unreachable", "silence".
func call(ns netns.NsHandle, network, addr string) string {
	c, err := dial(ns, network, addr)
	if c != nil {
		defer c.Close()
	}
	var timeout net.Error
	switch {
	case err == nil:
		return c.greet
	case errors.Is(err, unix.ECONNREFUSED):
		return "refused"
	case errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EACCES):
		return "unreachable"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "silence"
	}
	return err.Error()
}

// calls checks what callers hear; each row is caller, network, address and what is heard.
type heard struct {
	what          string
	from          netns.NsHandle
	network, addr string
	want          string
}

func (l *lab) hears(rows ...heard) {
	l.Helper()
	for _, r := range rows {
		if got := call(r.from, r.network, r.addr); got != r.want {
			l.Errorf("%s (%s %s): %q, want %q", r.what, r.network, r.addr, got, r.want)
		}
	}
}

// ping tells whether an echo request is answered.
func ping(ns netns.NsHandle, addr string) error {
	return within(ns, func() error {
		p, err := icmp.ListenPacket("ip4:icmp", "0.0.0.0")
		if err != nil {
			return err
		}
		defer p.Close()
		m := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: 77, Seq: 1, Data: []byte("hyper")}}
		b, err := m.Marshal(nil)
		if err != nil {
			return err
		}
		if _, err := p.WriteTo(b, &net.IPAddr{IP: net.ParseIP(addr)}); err != nil {
			return err
		}
		_ = p.SetReadDeadline(time.Now().Add(patience))
		for {
			b := make([]byte, 1500)
			n, from, err := p.ReadFrom(b)
			if err != nil {
				return err
			}
			if m, err := icmp.ParseMessage(1, b[:n]); err == nil && m.Type == ipv4.ICMPTypeEchoReply && from.String() == addr {
				return nil
			}
		}
	})
}
