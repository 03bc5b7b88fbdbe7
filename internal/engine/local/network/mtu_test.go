package network

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// handle is that of a namespace for the time of a test.
func handle(t testing.TB, ns netns.NsHandle) *netlink.Handle {
	t.Helper()
	h, err := netlink.NewHandleAt(ns)
	must(t, err)
	t.Cleanup(h.Close)
	return h
}

func setMTU(t testing.TB, ns netns.NsHandle, device string, mtu int) {
	t.Helper()
	h := handle(t, ns)
	l, err := h.LinkByName(device)
	must(t, err)
	must(t, h.LinkSetMTU(l, mtu))
}

func mtuOf(t testing.TB, ns netns.NsHandle, device string) int {
	t.Helper()
	l, err := handle(t, ns).LinkByName(device)
	must(t, err)
	return l.Attrs().MTU
}

func route(t testing.TB, ns netns.NsHandle, to, via string) {
	t.Helper()
	must(t, handle(t, ns).RouteReplace(&netlink.Route{Dst: ipNet(netip.MustParsePrefix(to)), Gw: net.ParseIP(via)}))
}

func TestLinksHaveTheMTUOfTheWayOut(t *testing.T) {
	l := newLab(t)
	setMTU(t, l.machine, "ext0", 1400)
	l.restart()
	a := l.account(0)
	c := a.run("one", 10)
	is := func(what string, want int) {
		t.Helper()
		router := mustRouter(t, l, a)
		for name, got := range map[string]int{
			"the machine's end of the uplink": mtuOf(t, l.machine, l.net.uplinkName(0)), "the router's": mtuOf(t, router, "up0"),
			"the router's end of the link": mtuOf(t, router, linkName(c.id, 0)), "the container's": mtuOf(t, c.ns, "eth0"),
		} {
			if got != want {
				t.Errorf("%s: %s has %d, want %d", what, name, got, want)
			}
		}
	}
	is("that of the default route's interface", 1400)
	again := func() {
		t.Helper()
		l.restart()
		a.apply()
		must(t, l.net.AttachEndpoints(t.Context(), a.ref, c.id, c.pid))
	}
	setMTU(t, l.machine, "ext0", 9000)
	again()
	is("when that has grown, for a container that runs", 9000)
	must(t, netlink.RouteReplace(&netlink.Route{Dst: ipNet(everywhere), Gw: net.ParseIP(outsideAddr), MTU: 1450}))
	again()
	is("that of the route", 1450)
	l.config.MTU = 1300
	again()
	is("the one that is set", 1300)
}

// far is a host three routers away from the machine. Between the second and the third is a link that takes smaller packets than all others.
// The second, which tells callers from here so, has an address like a container's.
func far(t *testing.T, l *lab, mtu int) netns.NsHandle {
	t.Helper()
	second, third, end := newNamespace(t), newNamespace(t), newNamespace(t)
	link(t, l.outside, "eth1", "172.16.0.10/24", second, "eth0", "172.16.0.99/24")
	link(t, second, "eth1", "10.9.1.1/24", third, "eth0", "10.9.1.2/24")
	link(t, third, "eth1", "10.9.2.1/24", end, "eth0", "10.9.2.2/24")
	setMTU(t, second, "eth1", mtu)
	setMTU(t, third, "eth0", mtu)
	route(t, l.outside, "10.9.0.0/16", "172.16.0.99")
	route(t, second, "10.9.2.0/24", "10.9.1.2")
	route(t, second, "0.0.0.0/0", "172.16.0.10")
	route(t, third, "0.0.0.0/0", "10.9.1.1")
	route(t, end, "0.0.0.0/0", "10.9.2.1")
	for _, ns := range []netns.NsHandle{l.outside, second, third} {
		must(t, within(ns, func() error { return os.WriteFile(forwarding, []byte("1"), 0o644) }))
	}
	return end
}

const megabytes = 8

// swallow takes megabytes from each caller and sends them back, and then their digest.
func swallow(t *testing.T, ns netns.NsHandle, addr string) {
	t.Helper()
	must(t, within(ns, func() error {
		srv, err := net.Listen("tcp4", addr)
		if err != nil {
			return err
		}
		t.Cleanup(func() { _ = srv.Close() })
		go func() {
			for {
				c, err := srv.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					b := make([]byte, megabytes<<20)
					if _, err := io.ReadFull(c, b); err != nil {
						return
					}
					sum := sha256.Sum256(b)
					_, _ = c.Write(b)
					_, _ = c.Write(sum[:])
				}()
			}
		}()
		return nil
	}))
}

// exchange sends megabytes to swallow and gets them back.
func exchange(ns netns.NsHandle, addr string) error {
	return within(ns, func() error {
		c, err := net.DialTimeout("tcp4", addr, 2*time.Second)
		if err != nil {
			return err
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		sent := make([]byte, megabytes<<20)
		for i := 0; i < len(sent); i += 8 {
			binary.BigEndian.PutUint64(sent[i:], uint64(i)*2654435761)
		}
		if _, err := c.Write(sent); err != nil {
			return fmt.Errorf("there: %w", err)
		}
		got := make([]byte, len(sent)+sha256.Size)
		if n, err := io.ReadFull(c, got); err != nil {
			return fmt.Errorf("and back, after %d bytes: %w", n, err)
		}
		sum := sha256.Sum256(sent)
		if !bytes.Equal(got[:len(sent)], sent) || !bytes.Equal(got[len(sent):], sum[:]) {
			return fmt.Errorf("what comes back is not what was sent")
		}
		return nil
	})
}

// pathMTU is what a host knows of the way to another.
func pathMTU(t *testing.T, ns netns.NsHandle, to string) int {
	t.Helper()
	routes, err := handle(t, ns).RouteGet(net.ParseIP(to))
	must(t, err)
	return routes[0].MTU
}

func TestPathMTUIsDiscovered(t *testing.T) {
	for _, mtu := range []int{1400, 1280} {
		t.Run(fmt.Sprint(mtu), func(t *testing.T) {
			l := onLink(t)
			end := far(t, l, mtu)
			a := l.account(0)
			web, plain := a.run("web", 10), a.run("plain", 11)
			a.at("web").FloatingIP, a.at("web").Ports = netip.MustParseAddr("203.0.113.65"), ports("tcp", 80, 80)
			a.apply()
			swallow(t, web.ns, ":80")
			swallow(t, end, ":80")
			for what, err := range map[string]error{
				"from a container with a floating IP": exchange(web.ns, "10.9.2.2:80"),
				"from one without":                    exchange(plain.ns, "10.9.2.2:80"),
				"to a published port":                 exchange(end, "203.0.113.65:80"),
			} {
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			for what, got := range map[string]int{
				"the container with a floating IP":      pathMTU(t, web.ns, "10.9.2.2"),
				"the one without":                       pathMTU(t, plain.ns, "10.9.2.2"),
				"the host far away, of the floating IP": pathMTU(t, end, "203.0.113.65"),
			} {
				if got != mtu {
					t.Errorf("%s learned of packets of %d bytes, want %d", what, got, mtu)
				}
			}
		})
	}
}

// segmentSize is what a connection sends at once.
func segmentSize(t *testing.T, c net.Conn) (size int) {
	t.Helper()
	raw, err := c.(*net.TCPConn).SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) { size, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG) }))
	must(t, err)
	return size
}

// Where the machine's way out is narrower than the containers' links, both ends are told when they connect: nothing depends on errors that
// somebody may filter.
func TestSegmentsFitTheWayOut(t *testing.T) {
	l := onLink(t)
	l.config.MTU = 1500
	setMTU(t, l.machine, "ext0", 1280)
	l.restart()
	a := l.account(0)
	web := a.run("web", 10)
	a.at("web").FloatingIP, a.at("web").Ports = netip.MustParseAddr("203.0.113.65"), ports("tcp", 80, 80)
	a.apply()
	sizes := make(chan int, 4)
	for _, ns := range []netns.NsHandle{web.ns, l.outside} {
		must(t, within(ns, func() error {
			srv, err := net.Listen("tcp4", ":80")
			if err != nil {
				return err
			}
			t.Cleanup(func() { _ = srv.Close() })
			go func() {
				for {
					c, err := srv.Accept()
					if err != nil {
						return
					}
					sizes <- segmentSize(t, c)
					_ = c.Close()
				}
			}()
			return nil
		}))
	}
	for _, call := range []struct {
		what string
		ns   netns.NsHandle
		addr string
	}{{"out", web.ns, outsideAddr + ":80"}, {"in", l.outside, "203.0.113.65:80"}} {
		must(t, within(call.ns, func() error {
			c, err := net.DialTimeout("tcp4", call.addr, time.Second)
			if err != nil {
				return err
			}
			defer c.Close()
			if size := segmentSize(t, c); size > 1240 {
				t.Errorf("%s: the caller sends %d bytes at once", call.what, size)
			}
			if size := <-sizes; size > 1240 {
				t.Errorf("%s: the callee sends %d bytes at once", call.what, size)
			}
			return nil
		}))
	}
}
