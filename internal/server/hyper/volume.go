package hyper

import (
	"context"
	"net/http"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/server/rest"
)

func (api *API) resizeVolume(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	gb, err := rest.Int(r, "size", 0)
	if err != nil {
		return err
	}
	if err := api.Volumes.Resize(ctx, a, r.PathValue("name"), gb); err != nil {
		return err
	}
	return rest.NoContent(w)
}
