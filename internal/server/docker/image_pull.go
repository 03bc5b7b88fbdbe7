package docker

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/api/types/registry"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// pull fetches an image. Its progress is a stream of messages; an error before the first of them is the answer's
// status, a later one is a message of its own.
func (api *API) pull(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	ref := r.Form.Get("fromImage")
	if ref == "" {
		return oops.Invalid("no image is named to pull")
	}
	if err := checkPlatform(r.Form.Get("platform")); err != nil {
		return err
	}
	auth, err := registryAuth(r)
	if err != nil {
		return err
	}
	req := cloud.PullRequest{Ref: ref, Tag: r.Form.Get("tag"), Username: auth.Username, Password: auth.Password, Token: auth.IdentityToken}
	if req.Token == "" {
		req.Token = auth.RegistryToken
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out := rest.NewMessages(w, "application/json", "")
	err = api.Images.Pull(ctx, a, req, func(m cloud.Message) {
		if err := out.Send(pullMessage(m)); err != nil {
			cancel()
		}
	})
	switch {
	case err == nil:
		out.Start()
		return nil
	case !out.Started():
		return pullRefused(ctx, err)
	}
	return out.Send(streamError(err))
}

// pullRefused makes the original's client ask for a login by 407; today's expect 401.
func pullRefused(ctx context.Context, err error) error {
	if errdefs.IsUnauthorized(err) && rest.Before(ctx, 24) {
		return rest.WithStatus(http.StatusProxyAuthRequired, err)
	}
	return err
}

// errorMessage ends a stream. Today's clients read errorDetail, programs of old read error.
type errorMessage struct {
	ErrorDetail jsonstream.Error `json:"errorDetail"`
	Error       string           `json:"error"`
}

func streamError(err error) errorMessage {
	return errorMessage{ErrorDetail: jsonstream.Error{Message: rest.Sentence(err)}, Error: rest.Sentence(err)}
}

// pullMessage makes a layer's steps carry progress, and its end carry none: without a terminal clients hide messages
// with progress, so that one line for each layer is left (walkthrough 2.1).
func pullMessage(m cloud.Message) jsonstream.Message {
	out := jsonstream.Message{ID: m.ID, Status: m.Status}
	switch engine.PullStatus(m.Status) {
	case engine.PullComplete, engine.PullExists:
		out.Progress = &jsonstream.Progress{}
	case engine.PullWaiting, engine.PullDownloading, engine.PullVerifying, engine.PullDownloaded, engine.PullExtracting, "Waiting":
		out.Progress = &jsonstream.Progress{Current: m.Current, Total: max(m.Total, m.Current)}
		if out.Progress.Total == 0 {
			out.Progress.Total = 1
		}
		if m.Status == string(engine.PullDownloaded) {
			out.Progress.Current = out.Progress.Total
		}
	}
	return out
}

// registryAuth reads the credentials that come with a request. An unreadable header is refused: pulling without
// credentials instead would give an answer that misleads.
func registryAuth(r *http.Request) (registry.AuthConfig, error) {
	var auth registry.AuthConfig
	h := r.Header.Get(registry.AuthHeader)
	if h == "" {
		return auth, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(h, "="))
	if err != nil {
		raw, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(h, "="))
	}
	if err != nil {
		return auth, oops.Invalid("the header %s is not base64", registry.AuthHeader)
	}
	if len(raw) == 0 {
		return auth, nil
	}
	if err := json.Unmarshal(raw, &auth); err != nil {
		return auth, oops.Invalid("the header %s does not hold credentials", registry.AuthHeader)
	}
	if auth.Username == "" && auth.Auth != "" {
		if pair, err := base64.StdEncoding.DecodeString(auth.Auth); err == nil {
			auth.Username, auth.Password, _ = strings.Cut(string(pair), ":")
		}
	}
	return auth, nil
}
