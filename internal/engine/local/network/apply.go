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
	if err := n.float(r, next, r.state.Load().movedTo(next)); err != nil {
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

// movedTo tells which floating IPs lead to another container in next. What is not known has not moved.
func (s *applied) movedTo(next *applied) func(netip.Addr) bool {
	if s == nil {
		return func(netip.Addr) bool { return false }
	}
	was, is := s.holders(), next.holders()
	return func(addr netip.Addr) bool { return was[addr] != is[addr] }
}

// holders are the containers that have floating IPs.
func (s *applied) holders() map[netip.Addr]string {
	out := map[netip.Addr]string{}
	for _, e := range s.Endpoints {
		if e.FloatingIP.IsValid() {
			out[e.FloatingIP] = e.ContainerID
		}
	}
	return out
}
