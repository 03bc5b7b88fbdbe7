package compose

import (
	"context"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/distribution/reference"

	"github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/store"
)

// Auths are credentials by registry, as clients keep them: https://index.docker.io/v1/, registry.example.com:5000. They are used for
// the command that they come with and kept nowhere.
type Auths map[string]Auth

// Auth is what opens a registry.
type Auth struct{ Username, Password string }

// image is the account's image of a name; a missing one is pulled.
func (r *run) image(ctx context.Context, ref string, auths Auths) (*store.Image, error) {
	img, err := r.Images.Find(r.a, ref)
	if !errdefs.IsNotFound(err) {
		return img, err
	}
	auth := auths.of(ref)
	err = r.Images.Pull(ctx, r.a, image.PullRequest{Ref: ref, Username: auth.Username, Password: auth.Password}, func(m image.Message) {
		if m.Total > 0 {
			r.tell(Message{ID: m.ID, Status: m.Status, Current: m.Current, Total: m.Total})
		}
	})
	if err != nil {
		return nil, err
	}
	return r.Images.Find(r.a, ref)
}

// of finds the credentials for the registry of an image.
func (a Auths) of(ref string) Auth {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return Auth{}
	}
	domain := reference.Domain(named)
	for server, auth := range a {
		if registryHost(server) == domain {
			return auth
		}
	}
	return Auth{}
}

// registryHost takes scheme and path off what clients call a registry; Docker Hub has several names.
func registryHost(server string) string {
	if _, rest, ok := strings.Cut(server, "://"); ok {
		server = rest
	}
	host, _, _ := strings.Cut(server, "/")
	switch host {
	case "", "index.docker.io", "registry-1.docker.io":
		return "docker.io"
	}
	return host
}
