package docker

import (
	"context"
	"net/http"
	"runtime"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// readCreate reads and checks the request for a container.
func readCreate(w http.ResponseWriter, r *http.Request) (in createRequest, err error) {
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return in, err
	}
	if in.Config == nil && in.HostConfig == nil {
		return in, oops.Invalid("config cannot be empty in order to create a container")
	}
	in.complete()
	if in.Image == "" {
		return in, oops.Invalid("no image is named to create the container from")
	}
	if err := checkPlatform(r.Form.Get("platform")); err != nil {
		return in, err
	}
	return in, in.refuse()
}

func (api *API) createContainer(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	in, err := readCreate(w, r)
	if err != nil {
		return err
	}
	created, err := api.Containers.Create(ctx, a, in.domain(r.Form.Get("name")))
	if err != nil {
		return api.notTheImage(ctx, a, in.Image, err)
	}
	// The original ignored resource settings without a word, and its client's user could not have meant them.
	if !rest.Before(ctx, 24) {
		created.Warnings = append(created.Warnings, in.warnings()...)
	}
	return rest.WriteJSON(w, http.StatusCreated, container.CreateResponse{ID: created.ID, Warnings: list(created.Warnings)})
}

// notTheImage is an error of a creation that does not look like the lack of its image: for a 404 clients pull the image, and try again.
func (api *API) notTheImage(ctx context.Context, a account.Ref, image string, err error) error {
	if !errdefs.IsNotFound(err) || rest.Before(ctx, 24) {
		return err
	}
	if _, ferr := api.Images.Find(a, image); ferr != nil {
		return err
	}
	return rest.WithStatus(http.StatusBadRequest, err)
}

// checkPlatform refuses the images of other platforms than this machine's: linux/amd64, linux/arm64/v8, amd64.
func checkPlatform(p string) error {
	if p == "" {
		return nil
	}
	parts := strings.Split(strings.ToLower(p), "/")
	if len(parts) == 1 && parts[0] != "linux" {
		parts = []string{"linux", parts[0]}
	}
	arch := map[string]string{"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64"}
	if parts[0] == "linux" {
		if len(parts) == 1 || parts[1] == runtime.GOARCH || arch[parts[1]] == runtime.GOARCH {
			return nil
		}
	}
	return oops.Invalid("platform %s is not offered: this machine runs linux/%s", p, runtime.GOARCH)
}
