package network

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/network/ruleset"
	"github.com/hypercloud/hyper/internal/oops"
)

// linkName is the router's interface of a container; the id is hashed since a prefix of it might be shared.
func linkName(containerID string) string {
	sum := sha256.Sum256([]byte(containerID))
	return ruleset.Link + hex.EncodeToString(sum[:6])
}

// ApplyNetwork implements engine.Networks. What is open before what is closed: rules, then routes, then names; and
// at the end connections that lean on what is gone.
func (n *Network) ApplyNetwork(_ context.Context, a account.Ref, state engine.NetworkState) error {
	next, err := check(state)
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
	r.names.Set(state.Endpoints)
	if !r.serving {
		if err := within(r.ns, r.names.Serve); err != nil {
			return fmt.Errorf("serving the account's names: %w", err)
		}
		r.serving = true
	}
	if old == nil || takenAway(old, next) {
		if err := r.endConnections(next); err != nil {
			return fmt.Errorf("ending connections that are not allowed any more: %w", err)
		}
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

// check refuses a state that rules cannot be made of.
func check(state engine.NetworkState) (*applied, error) {
	next := &applied{NetworkState: state, byID: make(map[string]engine.Endpoint, len(state.Endpoints))}
	taken := make(map[netip.Addr]string, len(state.Endpoints))
	for _, e := range state.Endpoints {
		mac, err := net.ParseMAC(e.MAC)
		if err != nil || mac.String() != e.MAC || len(mac) != 6 || mac[0]&1 != 0 {
			return nil, oops.Invalid("container %s: %q is not the hardware address of an interface", e.ContainerID, e.MAC)
		}
		if !engine.PrivatePrefix.Contains(e.Address) || e.Address == engine.PrivateGateway || e.Address == engine.PrivatePrefix.Addr() {
			return nil, oops.Invalid("container %s: %s is not an address for a container", e.ContainerID, e.Address)
		}
		if e.FloatingIP.IsValid() && (!e.FloatingIP.Is4() || engine.PrivatePrefix.Contains(e.FloatingIP)) {
			return nil, oops.Invalid("container %s: %s is not a floating IP", e.ContainerID, e.FloatingIP)
		}
		for _, addr := range []netip.Addr{e.Address, e.FloatingIP} {
			if other, ok := taken[addr]; ok {
				return nil, oops.Conflict("containers %s and %s both have %s", other, e.ContainerID, addr)
			}
			if addr.IsValid() {
				taken[addr] = e.ContainerID
			}
		}
		if _, ok := next.byID[e.ContainerID]; ok {
			return nil, oops.Conflict("container %s is named twice", e.ContainerID)
		}
		next.byID[e.ContainerID] = e
	}
	return next, nil
}
