package hyper

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// containerUpdate is api 6.5's body. The groups are the keys; their values are always "yes".
type containerUpdate struct {
	AddSecurityGroups      map[string]string
	RemoveSecurityGroups   map[string]string
	SetContainerProtection string // "" leaves it
}

func (api *API) updateContainer(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	var in containerUpdate
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	req := container.UpdateRequest{
		AddSecGroups: slices.Sorted(maps.Keys(in.AddSecurityGroups)), RemoveSecGroups: slices.Sorted(maps.Keys(in.RemoveSecurityGroups)),
	}
	switch in.SetContainerProtection {
	case "":
	case "true", "false":
		protect := in.SetContainerProtection == "true"
		req.Protection = &protect
	default:
		return oops.Invalid("SetContainerProtection is true or false, not %q", in.SetContainerProtection)
	}
	if _, err := api.Containers.Update(ctx, a, r.PathValue("name"), req); err != nil {
		return err
	}
	return rest.NoContent(w)
}
