package docker

import (
	"context"
	"net/http"

	"github.com/moby/moby/api/types/registry"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// login checks a user's credentials at a registry. Nothing is kept: the client sends them along with each pull.
func (api *API) login(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	var in registry.AuthConfig
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	if api.Logins == nil {
		return oops.NotImplemented("logging in to registries is not offered: images of public repositories can be pulled without")
	}
	if in.Username == "" && in.IdentityToken == "" {
		return oops.Invalid("a user name is needed to log in")
	}
	err := api.Logins.Login(ctx, a, in.ServerAddress, in.Username, in.Password, in.IdentityToken)
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusOK, registry.AuthResponse{Status: "Login Succeeded", IdentityToken: in.IdentityToken})
}
