package docker

import (
	"context"
	"net/http"
	"strings"

	"github.com/moby/moby/api/types/container"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/server/rest"
)

func (api *API) top(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	p, err := api.Containers.Top(ctx, a, r.PathValue("name"), strings.Fields(r.Form.Get("ps_args")))
	if err != nil {
		return err
	}
	out := container.TopResponse{Titles: p.Titles, Processes: p.Rows}
	if out.Processes == nil {
		out.Processes = [][]string{}
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}
