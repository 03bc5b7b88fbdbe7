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

// updateContainer changes the restart policy. The size decides over resources and stays: who asks for others is refused, since nothing
// would be left to do of what was asked. The original took such a request without a word.
func (api *API) updateContainer(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	var in container.UpdateConfig
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	if !rest.Before(ctx, 24) {
		if err := refuseResources(&in.Resources); err != nil {
			return err
		}
	}
	var req cloud.UpdateRequest
	if in.RestartPolicy.Name != "" {
		req.Restart = &store.RestartPolicy{Name: string(in.RestartPolicy.Name), MaxRetries: in.RestartPolicy.MaximumRetryCount}
	}
	warnings, err := api.Containers.Update(ctx, a, r.PathValue("name"), req)
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusOK, container.UpdateResponse{Warnings: list(warnings)})
}
