package docker

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/network"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// bridge is the account's private network, the only one that it has.
func bridge(a account.Ref) network.Network {
	return network.Network{
		Name: networkName, ID: networkID(a), Scope: "local", Driver: "bridge", EnableIPv4: true,
		Created: time.Unix(0, 0).UTC(),
		IPAM: network.IPAM{Driver: "default", Config: []network.IPAMConfig{
			{Subnet: engine.PrivatePrefix, Gateway: engine.PrivateGateway},
		}},
		Options: map[string]string{}, Labels: map[string]string{},
	}
}

func (api *API) listNetworks(_ context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	filters, err := rest.Filters(r, "dangling", "driver", "id", "label", "name", "scope", "type")
	if err != nil {
		return err
	}
	out := []network.Summary{}
	if n := bridge(a); matchNetwork(n, filters) {
		out = append(out, network.Summary{Network: n})
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

func matchNetwork(n network.Network, filters map[string][]string) bool {
	for key, values := range filters {
		ok := len(values) == 0 || slices.ContainsFunc(values, func(v string) bool {
			switch key {
			case "name":
				return strings.Contains(n.Name, v)
			case "id":
				return strings.HasPrefix(n.ID, v)
			case "driver":
				return n.Driver == v
			case "scope":
				return n.Scope == v
			case "type":
				return v == "builtin"
			case "dangling":
				return v == "false" || v == "0"
			}
			return false // it has no labels
		})
		if !ok {
			return false
		}
	}
	return true
}

// isBridge reports whether a name or id means the account's network.
func isBridge(a account.Ref, ref string) bool {
	return ref == networkName || ref == "default" || ref != "" && strings.HasPrefix(networkID(a), ref)
}

func (api *API) inspectNetwork(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	ref := r.PathValue("name")
	if !isBridge(a, ref) {
		return oops.NotFound("network %s not found", ref)
	}
	running, err := api.Containers.List(ctx, a, cloud.ListOptions{})
	if err != nil {
		return err
	}
	out := network.Inspect{Network: bridge(a), Containers: map[string]network.EndpointResource{}}
	for _, c := range running {
		e := endpoint(a, c)
		out.Containers[c.ID] = network.EndpointResource{
			Name: c.Name, EndpointID: e.EndpointID, MacAddress: e.MacAddress,
			IPv4Address: netip.PrefixFrom(e.IPAddress, e.IPPrefixLen),
		}
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

func (api *API) removeNetwork(_ context.Context, a account.Ref, _ http.ResponseWriter, r *http.Request) error {
	ref := r.PathValue("name")
	if !isBridge(a, ref) {
		return oops.NotFound("network %s not found", ref)
	}
	return oops.Forbidden("%s is a pre-defined network and cannot be removed", networkName)
}

// pruneNetworks finds nothing to remove.
func (api *API) pruneNetworks(_ context.Context, _ account.Ref, w http.ResponseWriter, _ *http.Request) error {
	return rest.WriteJSON(w, http.StatusOK, network.PruneReport{NetworksDeleted: []string{}})
}
