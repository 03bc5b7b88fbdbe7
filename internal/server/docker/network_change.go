package docker

import (
	"context"
	"net/http"
	"strings"

	"github.com/moby/moby/api/types/network"

	"github.com/hypercloud/hyper/internal/account"
	rules "github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

func (api *API) createNetwork(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	var in network.CreateRequest
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	if err := refuseNetworkKind(&in); err != nil {
		return err
	}
	req := rules.CreateRequest{
		Name: in.Name, Internal: in.Internal, Attachable: in.Attachable, Labels: in.Labels, Options: in.Options,
	}
	if in.IPAM != nil {
		if err := takeIPAM(in.IPAM, &req); err != nil {
			return err
		}
	}
	n, err := api.Networks.Create(ctx, a, req)
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusCreated, network.CreateResponse{ID: n.ID, Warning: optionsWarning(in.Options)})
}

// refuseNetworkKind says what a request asks for that a network here never is.
func refuseNetworkKind(in *network.CreateRequest) error {
	for _, rule := range []struct {
		asked bool
		why   string
	}{
		{in.Driver != "" && in.Driver != networkDriver && in.Driver != "default", "the network driver " + in.Driver + " is not offered: leave it out, or use " + networkDriver},
		{in.Scope != "" && in.Scope != "local", "networks are of this region's scope: leave --scope out"},
		{in.Ingress, "an ingress network is not offered: leave --ingress out"},
		{in.ConfigOnly || in.ConfigFrom != nil && in.ConfigFrom.Network != "", "networks that configure others are not offered: leave --config-only and --config-from out"},
		{in.EnableIPv6 != nil && *in.EnableIPv6, "networks here are IPv4: leave --ipv6 out"},
		{in.EnableIPv4 != nil && !*in.EnableIPv4, "networks here are IPv4: leave --ipv4=false out"},
		{in.IPAM != nil && in.IPAM.Driver != "" && in.IPAM.Driver != "default", "there is no other IPAM driver than default: leave --ipam-driver out"},
		{strings.EqualFold(in.Options[noTalk], "false"), "containers of one network always reach each other: put those that must not into different networks"},
	} {
		if rule.asked {
			return oops.NotImplemented("%s", rule.why)
		}
	}
	return nil
}

// noTalk is the option of Docker's networks that keeps their containers from each other; to ignore it would be a breach.
const noTalk = "com.docker.network.bridge.enable_icc"

// optionsWarning tells that options of Docker's bridges mean nothing here.
func optionsWarning(options map[string]string) string {
	if len(options) == 0 {
		return ""
	}
	return "Network options are kept and ignored: " + strings.Join(sortedKeys(options), ", ")
}

// takeIPAM reads the one subnet that a network can have.
func takeIPAM(ipam *network.IPAM, req *rules.CreateRequest) error {
	req.IPAMOptions = ipam.Options
	var found bool
	for _, c := range ipam.Config {
		if !c.Subnet.IsValid() && !c.Gateway.IsValid() && !c.IPRange.IsValid() && len(c.AuxAddress) == 0 {
			continue
		}
		if found {
			return oops.Invalid("a network has one subnet, and it is IPv4: give one")
		}
		found = true
		req.Subnet, req.Gateway, req.IPRange, req.Reserved = c.Subnet, c.Gateway, c.IPRange, c.AuxAddress
	}
	return nil
}

func (api *API) connectNetwork(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Container      string
		EndpointConfig *endpointRequest
	}
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	if err := in.EndpointConfig.check(); err != nil {
		return err
	}
	n, err := api.Networks.Get(a, r.PathValue("name"))
	if err != nil {
		return err
	}
	if err := api.Containers.Connect(ctx, a, in.Container, in.EndpointConfig.domain(n.ID)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (api *API) disconnectNetwork(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	var in network.DisconnectRequest
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	n, err := api.Networks.Get(a, r.PathValue("name"))
	if err != nil {
		return err
	}
	// Force is for endpoints whose container is gone, and here none outlives it.
	if err := api.Containers.Disconnect(ctx, a, in.Container, n.ID); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}
