package network

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/network/ruleset"
)

// ApplyNetwork implements engine.Networks. What is open before what is closed: new gateways, rules, routes, names; and
// at the end connections that lean on what is gone, and gateways that nobody has a use for.
func (n *Network) ApplyNetwork(_ context.Context, a account.Ref, state engine.NetworkState) error {
	next, err := n.check(state)
	if err != nil {
		return err
	}
	r, err := n.router(a)
	if err != nil {
		return err
	}
	defer r.life.RUnlock()
	r.apply.Lock()
	defer r.apply.Unlock()
	if err := r.addGateways(state.Networks); err != nil {
		return fmt.Errorf("adding the router to the account's networks: %w", err)
	}
	rules := ruleset.Account(state, ruleset.Router{Address: r.far, Uplinks: n.cfg.UplinkPool})
	if rules != r.rules {
		r.rules = "" // unknown until it is done
		if err := r.gen.replace(r.ns, rules); err != nil {
			return fmt.Errorf("replacing the account's rules: %w", err)
		}
		r.rules = rules
	}
	if err := n.float(r, next); err != nil {
		return err
	}
	old := r.state.Swap(next)
	r.names.Set(state)
	if !r.serving {
		if err := within(r.ns, r.names.Serve); err != nil {
			return fmt.Errorf("serving the account's names: %w", err)
		}
		r.serving = true
	}
	if old == nil || r.owed || takenAway(old, next) {
		r.owed = true
		if err := r.endConnections(old, next); err != nil {
			return fmt.Errorf("ending connections that are not allowed any more: %w", err)
		}
		r.owed = false
	}
	if err := r.removeGateways(state.Networks); err != nil {
		return fmt.Errorf("taking the router out of networks that are gone: %w", err)
	}
	return nil
}

// float routes the floating IPs that the state has, and no others.
func (n *Network) float(r *router, next *applied) error {
	want := map[netip.Addr]bool{}
	for _, e := range next.Endpoints {
		if e.FloatingIP.IsValid() {
			want[e.FloatingIP] = true
		}
	}
	// Routed ones too: another account may have had one of them meanwhile.
	for addr := range want {
		if err := n.route(r, addr); err != nil {
			return err
		}
		r.fips[addr] = true
	}
	for addr := range r.fips {
		if want[addr] {
			continue
		}
		if err := n.unroute(r.uplink, addr); err != nil {
			return err
		}
		delete(r.fips, addr)
	}
	return nil
}
