package network

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/hypercloud/hyper/internal/engine/local/network/neighbours"
)

// HeldElsewhere implements engine.Networks.
func (n *Network) HeldElsewhere(ctx context.Context, addrs []netip.Addr) (map[netip.Addr]string, error) {
	means, err := n.meanings()
	if err != nil {
		return nil, err
	}
	routed, err := n.routedElsewhere()
	if err != nil {
		return nil, err
	}
	near, err := n.segments()
	if err != nil {
		return nil, err
	}
	out := map[netip.Addr]string{}
	ask := map[*segment][]netip.Addr{}
	for _, addr := range addrs {
		if what := cmp.Or(means[addr], routed[addr]); what != "" {
			out[addr] = what
		} else if s := near.of(addr); s != nil {
			ask[s] = append(ask[s], addr)
		}
	}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	for s, list := range ask {
		if down(s.link) != 0 {
			continue // nobody is there
		}
		g.Go(func() error {
			found, err := neighbours.Ask(ctx, s.neighbours(), list)
			if err != nil {
				return fmt.Errorf("asking on %s: %w", s.link.Name, err)
			}
			mu.Lock()
			defer mu.Unlock()
			for addr, mac := range found {
				out[addr] = fmt.Sprintf("the host with the hardware address %s on %s", mac, s.link.Name)
			}
			return nil
		})
	}
	return out, g.Wait()
}
