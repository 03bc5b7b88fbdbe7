package docker

import (
	"context"
	"net/http"

	"github.com/moby/moby/api/types/container"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// commit makes an image of a container. Its body is a config that is laid over the container's, or null. That Docker would pause a container
// while it commits does not matter here: one that runs is not committed.
func (api *API) commit(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	var in *container.Config
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	req := cloud.CommitRequest{
		Repository: r.Form.Get("repo"), Tag: r.Form.Get("tag"), Comment: r.Form.Get("comment"), Author: r.Form.Get("author"), Changes: r.Form["changes"],
	}
	if in != nil {
		req.Override = ocispec.ImageConfig{
			User: in.User, Env: in.Env, Cmd: in.Cmd, Entrypoint: in.Entrypoint, WorkingDir: in.WorkingDir, StopSignal: in.StopSignal, Labels: in.Labels,
			Volumes: in.Volumes, ExposedPorts: map[string]struct{}{},
		}
		for p := range in.ExposedPorts {
			req.Override.ExposedPorts[p.String()] = struct{}{}
		}
	}
	id, err := api.Containers.Commit(ctx, a, r.Form.Get("container"), req)
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusCreated, container.CommitResponse{ID: id})
}
