package network

import (
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/vishvananda/netns"
)

// While one container asks as fast as it can, the router drops what is too much, and the questions of others are heard.
func TestNamesBesideAFlood(t *testing.T) {
	l := newLab(t)
	a := l.account(0)
	loud, web := a.run("loud", 10), a.run("web", 11)
	q, err := new(dns.Msg).SetQuestion("web.", dns.TypeA).Pack()
	must(t, err)
	var conn net.Conn
	must(t, within(loud.ns, func() (err error) {
		conn, err = net.Dial("udp4", "172.16.0.1:53")
		return err
	}))
	defer conn.Close()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				_, _ = conn.Write(q)
			}
		}
	}()
	for range 200 {
		if got := asks(t, web.ns, "loud."); got != "NOERROR 172.16.0.10" {
			t.Errorf("beside a flood: %q", got)
		}
	}
	close(stop)
	<-done
	router, err := netns.GetFromPath(l.net.namespacePath(a.ref.ID()))
	must(t, err)
	defer router.Close()
	var counted string
	must(t, within(router, func() error {
		out, err := exec.Command("nft", "list", "set", "inet", "hyper", "asks").CombinedOutput()
		counted = string(out)
		return err
	}))
	if !strings.Contains(counted, "172.16.0.10") || !strings.Contains(counted, "172.16.0.11") {
		t.Errorf("the router does not count who asks:\n%s", counted)
	}
}
