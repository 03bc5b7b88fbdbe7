package network

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
	"github.com/vishvananda/netns"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

// askers is how many containers ask at most before their resolver is said to be silent.
const askers = 3

// auditNames lets a running container ask for itself. When none runs, there is nobody to answer.
func (n *Network) auditNames(ctx context.Context, a account.Ref, r *router, out *report, meant func() engine.Routing) {
	asked := 0
	for range looks {
		now := meant()
		state := routing(now)
		for _, p := range now.Running {
			places := state.places(p.ContainerID)
			if asked == askers || slices.Contains(now.Moving, p.ContainerID) || len(places) == 0 || len(places[0].Names) == 0 {
				continue
			}
			ns, err := namespaceOf(a, p.Pid)
			if err != nil {
				continue
			}
			answers := asksIn(ctx, ns, places[0].Names[0])
			ns.Close()
			if answers {
				return
			}
			if slices.Contains(meant().Running, p) {
				asked++
			}
		}
	}
	if asked > 0 && ctx.Err() == nil {
		out.drift("the account's resolver does not answer its containers")
	}
}

// asksIn asks the router for a name from a container's namespace. Any answer is one.
func asksIn(ctx context.Context, ns netns.NsHandle, name string) bool {
	return within(ns, func() error {
		d := net.Dialer{Timeout: time.Second}
		c, err := d.DialContext(ctx, "udp4", netip.AddrPortFrom(engine.PrivateGateway, 53).String())
		if err != nil {
			return err
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(time.Second))
		dc := &dns.Conn{Conn: c}
		if err := dc.WriteMsg(new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA)); err != nil {
			return err
		}
		_, err = dc.ReadMsg()
		return err
	}) == nil
}
