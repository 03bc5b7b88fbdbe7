package network

import (
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
func (n *Network) follow() error {
	changed, err := n.changes()
	if err != nil {
		return err
	}
	n.background.Go(func() {
		for n.life.Err() == nil {
			_, more := <-changed
			select {
			case <-n.life.Done():
				return
			case <-time.After(settling): // more may come, and be done with this
			}
			if !more { // the kernel had more news than it could keep
				if changed, err = n.changes(); err != nil {
					n.cfg.Log.Error("the machine's interfaces are not followed any more: floating IPs on one that changes are answered for after hyperd's next start only", "error", err)
					return
				}
			}
			n.answerAnew()
		}
	})
	return nil
}

// changes tells that something has changed, once for all that has since it was last asked. It is closed when the kernel tells no more.
func (n *Network) changes() (<-chan struct{}, error) {
	done := make(chan struct{})
	links, addrs := make(chan netlink.LinkUpdate), make(chan netlink.AddrUpdate)
	if err := netlink.LinkSubscribe(links, done); err != nil {
		return nil, err
	}
	if err := netlink.AddrSubscribe(addrs, done); err != nil {
		close(done)
		return nil, err
	}
	changed := make(chan struct{}, 1)
	n.background.Go(func() {
		defer func() {
			close(done)
			for range links { // what is on its way has to be taken
			}
			for range addrs {
			}
			close(changed)
		}()
		for {
			ours := true
			select {
			case <-n.life.Done():
				return
			case u, ok := <-links:
				if !ok {
					return
				}
				ours = u.Link == nil || n.own(u.Link.Attrs().Name)
			case u, ok := <-addrs:
				if !ok {
					return
				}
				addr, ok := netip.AddrFromSlice(u.LinkAddress.IP.To4())
				ours = !ok || n.cfg.UplinkPool.Contains(addr)
			}
			if ours {
				continue
			}
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	})
	return changed, nil
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
		if s == nil || n.answered(s.link.Index)[addr] {
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

// answered are the addresses that the machine answers for on an interface.
func (n *Network) answered(link int) map[netip.Addr]bool {
	list, err := whole(func() ([]netlink.Neigh, error) { return n.host.NeighProxyList(link, netlink.FAMILY_V4) })
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
