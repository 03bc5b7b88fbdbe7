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

// auditNames lets running containers ask for themselves, one after the other. When none runs, there is nobody to answer. The resolver is
// silent if it is each time, to who was and stayed connected.
func (n *Network) auditNames(ctx context.Context, a account.Ref, out *report, meant func() engine.Routing) {
	for look := range looks {
		before := meant()
		state := routing(before)
		able := slices.DeleteFunc(slices.Clone(before.Running), func(p engine.Process) bool {
			places := state.places(p.ContainerID)
			return slices.Contains(before.Moving, p.ContainerID) || len(places) == 0 || len(places[0].Names) == 0
		})
		if len(able) == 0 {
			return
		}
		p := able[look%len(able)]
		ns, err := namespaceOf(a, p.Pid)
		if err != nil {
			return // it ended, and others may have
		}
		answers := asksIn(ctx, ns, state.places(p.ContainerID)[0].Names[0])
		ns.Close()
		after := meant()
		if answers || ctx.Err() != nil || !slices.Contains(after.Running, p) || slices.Contains(after.Moving, p.ContainerID) {
			return
		}
	}
	out.drift("the account's resolver does not answer its containers")
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
