package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

// State is what the router of the view's account is made of: its networks, the endpoints of every container that is there
// or being made, running or not, in the order of their first addresses, and the security groups that these carry.
func State(v *store.View) engine.NetworkState {
	var state engine.NetworkState
	for _, n := range v.Networks() {
		state.Networks = append(state.Networks, engine.PrivateNetwork{
			ID: n.ID, Subnet: n.Spec.Subnet, Gateway: n.Spec.Gateway, Internal: n.Spec.Internal,
		})
	}
	list := slices.DeleteFunc(v.Containers(), func(c *store.Container) bool {
		return c.Phase == store.Removing || len(c.Endpoints) == 0
	})
	slices.SortFunc(list, func(x, y *store.Container) int { return x.Endpoints[0].Address.Compare(y.Endpoints[0].Address) })
	owners := ownNames(list)
	for _, c := range list {
		outward, leads := Outward(v, c)
		for _, at := range Ranked(v, c) {
			e := engine.Endpoint{
				ContainerID: c.ID,
				Network:     at.Network,
				Interface:   at.Interface,
				Address:     at.Address,
				MAC:         MAC(at.Address),
				Names:       names(c, at, owners),
				Links:       linked(at),
				Idle:        idle(c),
				Groups:      c.Spec.SecGroups,
			}
			if leads && at.Network == outward.Network {
				e.Ports = ports(c)
				if f, ok := v.FloatingIPOf(c.ID); ok {
					e.FloatingIP = f.Address
				}
			}
			state.Endpoints = append(state.Endpoints, e)
		}
	}
	state.Groups = groups(v, state.Endpoints)
	return state
}

// idle tells that a container does not run, and is not about to.
func idle(c *store.Container) bool {
	switch c.State.Status {
	case store.StatusStarting, store.StatusRunning, store.StatusPaused, store.StatusRestarting:
		return false
	}
	return true
}

// MAC derives the hardware address of a container from its address: 02:42 and the four bytes, as Docker does.
func MAC(addr netip.Addr) string {
	b := addr.As4()
	return fmt.Sprintf("02:42:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3])
}

// owned is a name that is unique in its network by construction, since it is in the account.
type owned struct{ network, name string }

// ownNames tells whose container names and short ids are. No hostname of another container in the same network can take one over.
func ownNames(list []*store.Container) map[owned]string {
	owners := map[owned]string{}
	for _, c := range list {
		for _, e := range c.Endpoints {
			owners[owned{e.Network, shortID(c.ID)}] = c.ID
		}
	}
	for _, c := range list {
		for _, e := range c.Endpoints {
			owners[owned{e.Network, strings.ToLower(c.Name)}] = c.ID
		}
	}
	return owners
}

// names lists what a container is called inside a network (behaviour 6.2), lower-case and without repetition. Aliases were asked for,
// and may be another container's name too: then both are meant.
func names(c *store.Container, at store.Endpoint, owners map[owned]string) []string {
	all := []string{c.Name, c.Spec.Hostname}
	if c.Spec.Hostname != "" && c.Spec.Domainname != "" {
		all = append(all, c.Spec.Hostname+"."+c.Spec.Domainname)
	}
	all = append(all, shortID(c.ID))
	var out []string
	add := func(name string) {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, name := range all {
		name = strings.ToLower(name)
		if owner, ok := owners[owned{at.Network, name}]; !ok || owner == c.ID {
			add(name)
		}
	}
	for _, alias := range at.Aliases {
		add(strings.ToLower(alias))
	}
	return out
}

// linked are the names that a container alone knows others by.
func linked(at store.Endpoint) map[string]string {
	if len(at.Links) == 0 {
		return nil
	}
	out := map[string]string{}
	for _, l := range at.Links {
		target := l.Target
		if len(target) == idLen {
			target = shortID(target)
		}
		out[strings.ToLower(l.Alias)] = strings.ToLower(target)
	}
	return out
}

// ports lists what is published.
func ports(c *store.Container) []engine.PublishedPort {
	var out []engine.PublishedPort
	for _, p := range c.Spec.Published {
		out = append(out, engine.PublishedPort{Proto: p.Proto, Public: p.Public, Private: p.Number})
	}
	return out
}

// idLen is how long a container's id is.
const idLen = 64

func shortID(id string) string { return id[:min(12, len(id))] }
