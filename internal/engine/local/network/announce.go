package network

import (
	"net/netip"
	"slices"
	"time"

	"github.com/hypercloud/hyper/internal/engine/local/network/neighbours"
)

// again are the pauses before an announcement is repeated: who missed it, and whoever had the address keeps saying so, hears the next.
var again = []time.Duration{300 * time.Millisecond, time.Second, 2 * time.Second}

// announce says to the hosts of the networks that the machine is in that it has addresses from now on, at once and a few times more while
// it still has. Hosts that knew somebody else by an address change their minds. At the end they are asked whether somebody still contradicts.
// What fails is logged only: a host that does not listen asks sooner or later, and the kernel answers.
func (n *Network) announce(near segments, addrs []netip.Addr) {
	for i := range near {
		s := &near[i]
		mine := slices.DeleteFunc(slices.Clone(addrs), func(addr netip.Addr) bool {
			return near.of(addr) != s
		})
		if len(mine) == 0 {
			continue
		}
		n.background.Go(func() { // to close a socket of this kind takes the kernel tens of milliseconds
			n.say(s, mine)
			for _, pause := range again {
				if mine = n.later(s, mine, pause); len(mine) == 0 {
					return
				}
				n.say(s, mine)
			}
			found, err := neighbours.Ask(n.life, s.neighbours(), mine)
			if err != nil && n.life.Err() == nil {
				n.cfg.Log.Warn("asking whether another host has a floating IP", "interface", s.link.Name, "error", err)
			}
			for addr, mac := range found {
				n.cfg.Log.Error("another host has a floating IP that is attached here: packets go to either; take the address from that host", "fip", addr, "host", mac.String(), "interface", s.link.Name)
			}
		})
	}
}

func (n *Network) say(s *segment, addrs []netip.Addr) {
	if err := neighbours.Announce(s.neighbours(), addrs); err != nil {
		n.cfg.Log.Warn("announcing floating IPs", "interface", s.link.Name, "error", err)
	}
}

// later waits, and tells which of the addresses the machine still answers for; none when the Network is closed.
func (n *Network) later(s *segment, addrs []netip.Addr, pause time.Duration) []netip.Addr {
	select {
	case <-n.life.Done():
		return nil
	case <-time.After(pause):
	}
	still := n.answered(s.link.Index)
	return slices.DeleteFunc(addrs, func(addr netip.Addr) bool { return !still[addr] })
}
