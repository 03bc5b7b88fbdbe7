package names

import (
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// apart puts the calling goroutine into a network namespace of its own, which ends with it. It needs root.
func apart(b *testing.B) {
	b.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		b.Fatal(err)
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		b.Fatal(err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkNeighbourOfAFlood measures how long a container waits for a neighbour's address: alone, and while another container
// asks as fast as it can. There are no rules here, which in a router drop most of that before it comes to the socket. Questions that get lost are asked again after a second, as resolvers do, and counted.
func BenchmarkNeighbourOfAFlood(b *testing.B) {
	for _, tc := range []struct {
		name  string
		flood string
	}{
		{"alone", ""},
		{"names of containers", "me."},
		{"names of the world", "example.org."},
	} {
		b.Run(tc.name, func(b *testing.B) {
			apart(b)
			up, _ := upstream(b, silence)
			r := bounded(b, func(*limits) {}, up)
			var sent atomic.Int64
			stop, done := make(chan struct{}), make(chan struct{})
			begin := time.Now()
			if tc.flood == "" {
				close(done)
			} else {
				m, err := new(dns.Msg).SetQuestion(tc.flood, dns.TypeA).Pack()
				if err != nil {
					b.Fatal(err)
				}
				c := r.from(b, "udp", "127.0.0.1").Conn
				_ = c.SetDeadline(time.Time{})
				go func() {
					defer close(done)
					for {
						select {
						case <-stop:
							return
						default:
							if _, err := c.Write(m); err == nil {
								sent.Add(1)
							}
						}
					}
				}()
			}
			c := r.from(b, "udp", "127.0.0.3")
			q := new(dns.Msg).SetQuestion("me.", dns.TypeA)
			lost := 0
			for b.Loop() {
				for {
					_ = c.SetDeadline(time.Now().Add(time.Second))
					if err := c.WriteMsg(q); err != nil {
						b.Fatal(err)
					}
					in, err := c.ReadMsg()
					if e, ok := err.(net.Error); ok && e.Timeout() {
						lost++
						continue
					}
					if err != nil || text(in) != "NOERROR 127.0.0.1" {
						b.Fatalf("%v, %v", in, err)
					}
					break
				}
			}
			close(stop)
			<-done
			b.ReportMetric(float64(lost)/float64(b.N), "lost/op")
			b.ReportMetric(float64(sent.Load())/time.Since(begin).Seconds(), "flood/s")
		})
	}
}

// BenchmarkAnswer measures what an answer from memory costs, without sockets.
func BenchmarkAnswer(b *testing.B) {
	r := bounded(b, func(*limits) {})
	q := new(dns.Msg).SetQuestion("me.", dns.TypeA)
	from := address(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	for b.Loop() {
		if a := r.answer(q, from, false); len(a.Answer) != 1 {
			b.Fatal(a)
		}
	}
}
