package docker

import (
	"context"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strconv"

	"github.com/moby/moby/api/types/network"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	rules "github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/pattern"
	"github.com/hypercloud/hyper/internal/server/rest"
	"github.com/hypercloud/hyper/internal/store"
)

// networkDriver is the only one. What it stands for is not a bridge, but behaves like Docker's to whoever is inside.
const networkDriver = "bridge"

func shownNetwork(n *store.Network) network.Network {
	s := n.Spec
	if s.IPAMOptions == nil && n.Name != rules.OwnName {
		s.IPAMOptions = map[string]string{}
	}
	return network.Network{
		Name: n.Name, ID: n.ID, Created: n.CreatedAt, Scope: "local", Driver: networkDriver, EnableIPv4: true,
		IPAM: network.IPAM{Driver: "default", Options: s.IPAMOptions, Config: []network.IPAMConfig{
			{Subnet: s.Subnet, Gateway: s.Gateway, IPRange: s.IPRange, AuxAddress: s.Reserved},
		}},
		Internal: s.Internal, Attachable: s.Attachable, Options: object(s.Options), Labels: object(s.Labels),
	}
}

// object is m, and {} rather than null where it is empty.
func object(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func (api *API) listNetworks(_ context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	filters, err := rest.Filters(r, "dangling", "driver", "id", "label", "name", "scope", "type")
	if err != nil {
		return err
	}
	for _, v := range filters["dangling"] {
		if _, err := strconv.ParseBool(v); err != nil {
			return oops.Invalid("invalid filter 'dangling=%s': use true or false", v)
		}
	}
	for _, v := range filters["type"] {
		if v != "builtin" && v != "custom" {
			return oops.Invalid("invalid filter: 'type'='%s'", v)
		}
	}
	patterns := map[string]*regexp.Regexp{}
	for _, v := range slices.Concat(filters["name"], filters["id"]) {
		var err error
		if patterns[v], err = pattern.Compile(v); err != nil {
			return oops.Invalid("invalid filter '%s': %v", v, err)
		}
	}
	out := []network.Summary{}
	for _, n := range api.Networks.Networks(a) {
		if api.matchNetwork(a, n, filters, patterns) {
			out = append(out, network.Summary{Network: shownNetwork(n)})
		}
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

// matchNetwork reports whether a network passes every filter; the values of one are alternatives, but for labels. Those of names and
// ids are patterns.
func (api *API) matchNetwork(a account.Ref, n *store.Network, filters map[string][]string, patterns map[string]*regexp.Regexp) bool {
	own := n.Name == rules.OwnName
	for key, values := range filters {
		var matches func(v string) bool
		switch key {
		case "name":
			matches = func(v string) bool { return patterns[v].MatchString(n.Name) }
		case "id":
			matches = func(v string) bool { return patterns[v].MatchString(n.ID) }
		case "driver":
			matches = func(v string) bool { return v == networkDriver }
		case "scope":
			matches = func(v string) bool { return v == "local" }
		case "type":
			matches = func(v string) bool { return (v == "builtin") == own }
		case "dangling":
			matches = func(v string) bool {
				yes, _ := strconv.ParseBool(v)
				return yes == (!own && !api.Networks.Used(a, n))
			}
		case "label":
			if !slices.ContainsFunc(values, func(v string) bool { return !hasLabel(n.Spec.Labels, v) }) {
				continue
			}
			return false
		}
		if len(values) > 0 && !slices.ContainsFunc(values, matches) {
			return false
		}
	}
	return true
}

func (api *API) inspectNetwork(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	n, err := api.Networks.Get(a, r.PathValue("name"))
	if err != nil {
		return err
	}
	running, err := api.Containers.List(ctx, a, cloud.ListOptions{Filters: map[string][]string{"network": {n.ID}}})
	if err != nil {
		return err
	}
	out := network.Inspect{Network: shownNetwork(n), Containers: map[string]network.EndpointResource{}}
	for _, c := range running {
		for _, p := range api.Networks.Places(a, c) {
			if p.Network.ID == n.ID {
				e := endpoint(c, p)
				out.Containers[c.ID] = network.EndpointResource{
					Name: c.Name, EndpointID: e.EndpointID, MacAddress: e.MacAddress, IPv4Address: netip.PrefixFrom(e.IPAddress, e.IPPrefixLen),
				}
			}
		}
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

func (api *API) removeNetwork(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if err := api.Networks.Remove(ctx, a, r.PathValue("name")); err != nil {
		return err
	}
	return rest.NoContent(w)
}

func (api *API) pruneNetworks(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	p, err := pruneFilters(r, true)
	if err != nil {
		return err
	}
	names, err := api.Networks.Prune(ctx, a, func(n *store.Network) bool { return p.takes(n.CreatedAt, n.Spec.Labels) })
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusOK, network.PruneReport{NetworksDeleted: names})
}
