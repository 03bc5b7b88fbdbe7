package network

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
)

// settling is how long changes of the machine's interfaces are let come together.
const settling = 200 * time.Millisecond

// follow answers and announces again when the machine's interfaces or addresses have changed: an interface that goes down forgets what it
// answered for, and a network may come to be on another one. It ends with the Network.
func (n *Network) follow(ctx context.Context) error {
	links, addrs := make(chan netlink.LinkUpdate), make(chan netlink.AddrUpdate)
	failed := func(err error) {
		if ctx.Err() == nil {
			n.cfg.Log.Warn("following the machine's interfaces", "error", err)
		}
	}
	if err := netlink.LinkSubscribeWithOptions(links, ctx.Done(), netlink.LinkSubscribeOptions{ErrorCallback: failed}); err != nil {
		return err
	}
	if err := netlink.AddrSubscribeWithOptions(addrs, ctx.Done(), netlink.AddrSubscribeOptions{ErrorCallback: failed}); err != nil {
		return err
	}
	n.background.Go(func() {
		var quiet <-chan time.Time
		for links != nil || addrs != nil {
			select {
			case u, ok := <-links:
				if !ok {
					links = nil
				} else if u.Link != nil && !n.own(u.Link.Attrs().Name) && quiet == nil {
					quiet = time.After(settling)
				}
			case u, ok := <-addrs:
				if !ok {
					addrs = nil
				} else if addr := u.LinkAddress.IP.To4(); addr != nil && !n.cfg.UplinkPool.Contains(netip.AddrFrom4([4]byte(addr))) && quiet == nil {
					quiet = time.After(settling)
				}
			case <-quiet:
				quiet = nil
				if ctx.Err() == nil {
					n.answerAnew()
				}
			}
		}
	})
	return nil
}

// own tells of the interfaces that are this instance's.
func (n *Network) own(name string) bool { return strings.HasPrefix(name, n.uplinkPrefix()) }

// answerAnew has the kernel answer for all floating IPs where they belong now, and announces those that it did not answer for there.
func (n *Network) answerAnew() {
	near, err := n.segments()
	if err != nil {
		n.cfg.Log.Warn("answering for floating IPs after the machine's interfaces changed", "error", err)
		return
	}
	n.mu.Lock()
	routers := slices.Collect(maps.Values(n.routers))
	n.mu.Unlock()
	var news []netip.Addr
	for _, r := range routers {
		news = append(news, n.answerFor(r, near)...)
	}
	n.announce(near, news)
}

// answerFor is answerAnew for one router, without the announcement.
func (n *Network) answerFor(r *router, near segments) (news []netip.Addr) {
	r.life.RLock()
	defer r.life.RUnlock()
	r.apply.Lock()
	defer r.apply.Unlock()
	for addr := range r.fips {
		s := near.of(addr)
		if s == nil || n.answered(s)[addr] {
			continue
		}
		if err := n.answer(s, addr); err != nil {
			n.cfg.Log.Warn("answering for a floating IP after the machine's interfaces changed", "fip", addr, "interface", s.link.Name, "error", err)
			continue
		}
		news = append(news, addr)
	}
	return news
}

// answered are the addresses that the machine answers for in a segment.
func (n *Network) answered(s *segment) map[netip.Addr]bool {
	list, err := whole(func() ([]netlink.Neigh, error) { return n.host.NeighProxyList(s.link.Index, netlink.FAMILY_V4) })
	if err != nil {
		return nil
	}
	out := map[netip.Addr]bool{}
	for _, p := range list {
		addr, _ := netip.AddrFromSlice(p.IP.To4())
		out[addr] = true
	}
	return out
}
