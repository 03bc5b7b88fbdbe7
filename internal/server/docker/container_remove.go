package docker

import (
	"context"
	"net/http"

	"github.com/moby/moby/api/types/container"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// removeContainer answers with notices of the volumes that stay to clients that read them: the original's, and those that
// ask by notices=1.
func (api *API) removeContainer(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	// A link is not a thing of its own, so taking one away is refused. The original took rm -f -l for rm -f.
	if rest.Bool(r, "link") && !(rest.Before(ctx, 24) && rest.Bool(r, "force")) {
		return oops.NotImplemented("a link cannot be taken away from a container: remove the container that has it, and create it without")
	}
	notices, err := api.Containers.Remove(ctx, a, r.PathValue("name"), cloud.RemoveOptions{
		Force: rest.Bool(r, "force"), Volumes: rest.Bool(r, "v"),
	})
	if err != nil {
		return err
	}
	if rest.Before(ctx, 24) || rest.Bool(r, "notices") {
		return rest.WriteJSON(w, http.StatusOK, list(notices))
	}
	return rest.NoContent(w)
}

func (api *API) pruneContainers(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	p, err := pruneFilters(r, true)
	if err != nil {
		return err
	}
	ids, err := api.Containers.Prune(ctx, a, func(c *cloud.Container) bool { return p.takes(c.CreatedAt, api.Containers.Labels(a, c)) })
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusOK, container.PruneReport{ContainersDeleted: list(ids)})
}
