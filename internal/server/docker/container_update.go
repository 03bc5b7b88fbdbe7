package docker

import (
	"context"
	"net/http"

	"github.com/moby/moby/api/types/container"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/server/rest"
	"github.com/hypercloud/hyper/internal/store"
)

// updateContainer changes the restart policy. The size decides over resources and stays.
func (api *API) updateContainer(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	var in container.UpdateConfig
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	var req cloud.UpdateRequest
	if in.RestartPolicy.Name != "" {
		req.Restart = &store.RestartPolicy{Name: string(in.RestartPolicy.Name), MaxRetries: in.RestartPolicy.MaximumRetryCount}
	}
	warnings, err := api.Containers.Update(ctx, a, r.PathValue("name"), req)
	if err != nil {
		return err
	}
	warnings = append(warnings, resourceWarnings(&in.Resources)...)
	return rest.WriteJSON(w, http.StatusOK, container.UpdateResponse{Warnings: list(warnings)})
}
