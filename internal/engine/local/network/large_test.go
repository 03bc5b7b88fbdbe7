package network

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/engine"
)

// large makes a state of an account with n containers, each with a floating IP and some ports, in several networks and now and then in two,
// besides those that it has. None of them runs.
func (a *tenant) large(n int) {
	const networks = 4
	for i := range networks {
		a.network(fmt.Sprint("net", i), fmt.Sprintf("172.%d.0.0/16", 24+i), false)
	}
	fip := netip.MustParseAddr("198.18.16.0")
	for i := range n {
		id := fmt.Sprintf("%064x", 1<<40|i)
		place := func(nth, eth int) engine.Endpoint {
			addr := netip.AddrFrom4([4]byte{172, byte(24 + nth%networks), byte(1 + i/250), byte(2 + i%250)})
			return engine.Endpoint{ContainerID: id, Network: fmt.Sprint("net", nth%networks), Interface: eth, Address: addr, MAC: macOf(addr).String(), Names: []string{fmt.Sprint("c", i)}}
		}
		first := place(i, 0)
		fip = fip.Next()
		first.FloatingIP = fip
		first.Ports = []engine.PublishedPort{{Proto: "tcp", Public: 80, Private: 8080}, {Proto: "tcp", Public: 443, Private: 443}, {Proto: "udp", Public: 53, Private: 53}}
		a.state.Endpoints = append(a.state.Endpoints, first)
		if i%10 == 0 {
			a.state.Endpoints = append(a.state.Endpoints, place(i+1, 1))
		}
	}
}

// newLargeLab is a lab whose machine-only pool has room for all of these.
func newLargeLab(t testing.TB) *lab {
	t.Helper()
	l := newLab(t)
	l.config.FIPPools = pools("198.18.0.0/18")
	l.restart()
	return l
}

// published is a container that runs, with a floating IP.
func (a *tenant) published(name string, last byte, fip string) *container {
	c := a.run(name, last)
	a.at(name).FloatingIP, a.at(name).Ports = netip.MustParseAddr(fip), append(ports("tcp", 80, 80), ports("udp", 80, 80)...)
	a.apply()
	serve(a.lab.TB, c.ns, ":80", name)
	return c
}

// The kernel takes the rules of two thousand containers in one transaction, and who is connected notices nothing.
func TestRulesOfTwoThousandContainers(t *testing.T) {
	const n = 2000
	l := newLargeLab(t)
	a := l.account(0)
	web := a.published("web", 10, machineFIP)
	in, err := dial(l.machine, "tcp4", machineFIP+":80")
	must(t, err)
	defer in.Close()
	serve(t, l.outside, ":80", "outside")
	out, err := dial(web.ns, "tcp4", outsideAddr+":80")
	must(t, err)
	defer out.Close()
	goOn := func(when string) {
		t.Helper()
		for way, c := range map[string]*conn{"in": in, "out": out} {
			if err := c.echo(); err != nil {
				t.Errorf("%s: the connection %s: %v", when, way, err)
			}
		}
	}
	a.large(n)
	a.apply()
	goOn("with all of them")
	is, err := rulesIn(mustRouter(t, l, a))
	must(t, err)
	chains := 0
	for name := range is {
		if strings.HasPrefix(name, "inet hyper chain fip-") {
			chains++
		}
	}
	if chains != n+1 {
		t.Errorf("the kernel has the chains of %d floating IPs, want %d", chains, n+1)
	}
	want, err := listed(l.net.render(mustOpen(l, a), a.state))
	must(t, err)
	found := &report{}
	found.check("rules")
	if found.differences(want, is); found.wrong() {
		t.Errorf("the rules are not what was applied: %v", found.checks[0].Findings[0])
	}
	last := &a.state.Endpoints[len(a.state.Endpoints)-1]
	last.Ports = ports("tcp", 81, 81)
	a.apply()
	goOn("after another port")
	l.hears(heard{"one of many", l.machine, "tcp4", last.FloatingIP.String() + ":81", "refused"}) // published, and does not run
	a.state.Endpoints = a.state.Endpoints[:1]
	a.state.Networks = nil
	a.apply()
	goOn("without them")
	l.hears(heard{"a new call", l.machine, "tcp4", machineFIP + ":80", "web 100.64.0.0"})
}

// stream sends numbered datagrams at a pace to who answers, and counts what comes back.
type stream struct {
	conn           net.Conn
	end            chan struct{}
	done           sync.WaitGroup
	sent, answered uint64
	longest        time.Duration // between two answers
}

const pace = 200 * time.Microsecond

func startStream(t testing.TB, l *lab, addr string) *stream {
	s := &stream{end: make(chan struct{})}
	must(t, within(l.outside, func() (err error) {
		s.conn, err = net.Dial("udp4", addr)
		return err
	}))
	s.done.Go(func() {
		tick := time.NewTicker(pace)
		defer tick.Stop()
		for {
			select {
			case <-s.end:
				return
			case <-tick.C:
				if _, err := s.conn.Write(binary.BigEndian.AppendUint64(nil, s.sent)); err == nil {
					s.sent++
				}
			}
		}
	})
	s.done.Go(func() {
		b := make([]byte, 1500)
		var before time.Time
		for {
			if _, err := s.conn.Read(b); err != nil {
				return
			}
			now := time.Now()
			if !before.IsZero() {
				s.longest = max(s.longest, now.Sub(before))
			}
			before = now
			s.answered++
		}
	})
	return s
}

// stop ends the stream and returns how many datagrams were not answered, and the longest time without an answer.
func (s *stream) stop() (lost uint64, silent time.Duration) {
	close(s.end)
	time.Sleep(50 * time.Millisecond) // the last answers are on their way
	_ = s.conn.Close()
	s.done.Wait()
	return s.sent - s.answered, s.longest
}

// BenchmarkReplace replaces the rules of an account with so many floating IPs, while datagrams pass its router every 0.2 ms:
// how long it takes until hyperd goes on, with the new rules in force; how many datagrams were lost in all replacements; and the longest time
// without an answer, which has the scheduler's share in it: /idle is the same time without replacements.
func BenchmarkReplace(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 2000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := newLargeLab(b)
			a := l.account(0)
			a.published("web", 10, machineFIP)
			a.large(n)
			a.apply()
			s := startStream(b, l, machineFIP+":80")
			time.Sleep(time.Second)
			idleLost, idleSilent := s.stop()
			r := mustOpen(l, a)
			last := &a.state.Endpoints[len(a.state.Endpoints)-1]
			texts := []string{l.net.render(r, a.state)}
			last.Ports = ports("tcp", 81, 81)
			texts = append(texts, l.net.render(r, a.state))
			s = startStream(b, l, machineFIP+":80")
			i := 0
			for b.Loop() {
				i++
				must(b, r.gen.replace(r.ns, texts[i%2]))
			}
			lost, silent := s.stop()
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/op")
			b.ReportMetric(float64(lost), "lost")
			b.ReportMetric(float64(s.sent), "sent")
			b.ReportMetric(float64(silent.Microseconds())/1000, "ms-silent")
			b.ReportMetric(float64(idleSilent.Microseconds())/1000, "ms-silent/idle")
			b.ReportMetric(float64(idleLost), "lost/idle")
		})
	}
}
