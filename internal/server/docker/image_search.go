package docker

import (
	"context"
	"net/http"

	"github.com/moby/moby/api/types/registry"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// searchImages asks the registry that the term names, or Docker Hub.
func (api *API) searchImages(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	auth, err := registryAuth(r)
	if err != nil {
		return err
	}
	filters, err := rest.Filters(r, "is-automated", "is-official", "stars")
	if err != nil {
		return err
	}
	limit, err := rest.Int(r, "limit", 0)
	if err != nil {
		return err
	}
	if r.Form.Get("limit") != "" && limit == 0 {
		return oops.Invalid("limit 0 is outside the range of [1, 100]")
	}
	found, err := api.Images.Search(ctx, a, cloud.SearchRequest{
		Term: r.Form.Get("term"), Limit: limit, Filters: filters, Username: auth.Username, Password: auth.Password,
	})
	if err != nil {
		return err
	}
	out := make([]registry.SearchResult, 0, len(found))
	for _, f := range found {
		out = append(out, registry.SearchResult{Name: f.Name, Description: f.Description, StarCount: f.Stars, IsOfficial: f.Official, IsAutomated: f.Automated})
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

// inspectDistribution tells what a name stands for at its registry.
func (api *API) inspectDistribution(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	auth, err := registryAuth(r)
	if err != nil {
		return err
	}
	req := cloud.PullRequest{Ref: r.PathValue("name"), Username: auth.Username, Password: auth.Password, Token: auth.IdentityToken}
	if req.Token == "" {
		req.Token = auth.RegistryToken
	}
	found, err := api.Images.Look(ctx, a, req)
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusOK, registry.DistributionInspect{Descriptor: found.Target, Platforms: append([]ocispec.Platform{}, found.Platforms...)})
}
