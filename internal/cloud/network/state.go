package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

// State is what the router of the view's account is made of: an endpoint for every container that is there or
// being made, running or not, in the order of their addresses.
func State(v *store.View) engine.NetworkState {
	var state engine.NetworkState
	list := slices.DeleteFunc(v.Containers(), func(c *store.Container) bool {
		return c.Phase == store.Removing || !c.Address.IsValid()
	})
	slices.SortFunc(list, func(x, y *store.Container) int { return x.Address.Compare(y.Address) })
	owners := ownNames(list)
	for _, c := range list {
		e := engine.Endpoint{
			ContainerID: c.ID,
			Address:     c.Address,
			MAC:         MAC(c.Address),
			Names:       names(c, owners),
			Ports:       ports(c),
		}
		if f, ok := v.FloatingIPOf(c.ID); ok {
			e.FloatingIP = f.Address
		}
		state.Endpoints = append(state.Endpoints, e)
	}
	return state
}

// MAC derives the hardware address of a container from its address: 02:42 and the four bytes, as Docker does.
func MAC(addr netip.Addr) string {
	b := addr.As4()
	return fmt.Sprintf("02:42:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3])
}

// ownNames tells whose each name is that is unique in an account by construction: container names and
// short ids. No hostname of another container can take it over.
func ownNames(list []*store.Container) map[string]string {
	owners := map[string]string{}
	for _, c := range list {
		owners[shortID(c.ID)] = c.ID
	}
	for _, c := range list {
		owners[strings.ToLower(c.Name)] = c.ID
	}
	return owners
}

// names lists what a container is called inside its network (behaviour 6.2), lower-case and without repetition.
func names(c *store.Container, owners map[string]string) []string {
	all := []string{c.Name, c.Spec.Hostname}
	if c.Spec.Hostname != "" && c.Spec.Domainname != "" {
		all = append(all, c.Spec.Hostname+"."+c.Spec.Domainname)
	}
	all = append(all, shortID(c.ID))
	var out []string
	for _, name := range all {
		name = strings.ToLower(name)
		if owner, owned := owners[name]; owned && owner != c.ID {
			continue
		}
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// ports lists what is published. The engine forwards tcp and udp; other protocols are refused at creation.
func ports(c *store.Container) []engine.PublishedPort {
	var out []engine.PublishedPort
	for _, p := range c.Spec.Published {
		if p.Proto != "tcp" && p.Proto != "udp" {
			continue
		}
		out = append(out, engine.PublishedPort{Proto: p.Proto, Public: p.Public, Private: p.Number})
	}
	return out
}

func shortID(id string) string { return id[:min(12, len(id))] }
