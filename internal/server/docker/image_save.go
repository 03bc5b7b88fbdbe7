package docker

import (
	"context"
	"net/http"

	"github.com/moby/moby/api/types/jsonstream"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/server/rest"
)

const tarType = "application/x-tar"

// saveImages writes images into an archive: those of the query, or the one of the path.
func (api *API) saveImages(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	names := r.Form["names"]
	if name := r.PathValue("name"); name != "" {
		names = []string{name}
	}
	if err := checkPlatforms(r.Form["platform"]); err != nil {
		return err
	}
	begun := false
	err := api.Images.Save(ctx, a, names, func() {
		begun = true
		rest.Begin(w, tarType)
	}, w)
	return rest.BrokenOff(begun, err)
}

// push sends an image to its registry. An error before the first message is the answer's status; 401 makes every client ask for a login.
func (api *API) push(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	auth, err := registryAuth(r)
	if err != nil {
		return err
	}
	if err := checkPlatforms(r.Form["platform"]); err != nil {
		return err
	}
	req := cloud.PushRequest{
		Ref: r.PathValue("name"), Tag: r.Form.Get("tag"), Username: auth.Username, Password: auth.Password, Token: auth.IdentityToken,
	}
	if req.Token == "" {
		req.Token = auth.RegistryToken
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out := rest.NewMessages(w, "application/json", "")
	pushed, err := api.Images.Push(ctx, a, req, func(m cloud.Message) {
		line := jsonstream.Message{ID: m.ID, Status: m.Status}
		if m.Total > 0 {
			line.Progress = &jsonstream.Progress{Current: m.Current, Total: m.Total}
		}
		if err := out.Send(line); err != nil {
			cancel()
		}
	})
	switch {
	case err == nil:
		// Programs learn from this what the registry has.
		return out.Send(map[string]any{"progressDetail": map[string]any{}, "aux": map[string]any{"Tag": pushed.Tag, "Digest": pushed.Digest, "Size": pushed.Size}})
	case !out.Started():
		return err
	}
	return out.Send(streamError(err))
}
