package registry

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	remotetransport "github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/version"
)

// storing is how long a registry may take to answer when it has all of a layer: it writes it to its disk first.
const storing = 2 * time.Minute

// Push sends an image to the registry under a tag. It talks to no more addresses than a pull would, and no longer.
func (r *Repository) Push(ctx context.Context, host, tag string, img v1.Image) error {
	opts := []name.Option{name.WithDefaultRegistry(host), name.StrictValidation}
	if r.endpoint.URL.Scheme == "http" {
		opts = append(opts, name.Insecure)
	}
	ref, err := name.NewTag(host+"/"+r.name+":"+tag, opts...)
	if err != nil {
		return oops.Invalid("%s/%s:%s is not a name that can be pushed to: %v", host, r.name, tag, err)
	}
	next := transport(r.endpoint, r.timeouts)
	next.ResponseHeaderTimeout = storing
	defer next.CloseIdleConnections()
	send := func(who authn.AuthConfig) error {
		return remote.Write(ref, img, remote.WithContext(ctx), remote.WithTransport(&bounded{next: next, idle: r.timeouts.Idle}), remote.WithAuth(authn.FromConfig(who)),
			remote.WithUserAgent("hyper/"+version.Version), remote.WithJobs(3))
	}
	if r.creds.Token == "" {
		return r.pushError(ctx, send(authn.AuthConfig{Username: r.creds.Username, Password: r.creds.Password}))
	}
	err = send(authn.AuthConfig{IdentityToken: r.creds.Token})
	if refusedPush(err) { // not one to be exchanged: then it is what the exchange would have given
		err = send(authn.AuthConfig{RegistryToken: r.creds.Token})
	}
	return r.pushError(ctx, err)
}

func refusedPush(err error) bool {
	var answer *remotetransport.Error
	return errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden)
}

func (r *Repository) pushError(ctx context.Context, err error) error {
	var answer *remotetransport.Error
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case refusedPush(err):
		return r.refused()
	case errors.As(err, &answer):
		reason := http.StatusText(answer.StatusCode)
		if len(answer.Errors) > 0 {
			reason = answer.Errors[0].String()
		}
		return unavailable("%s answered %d: %.300s", r.Host(), answer.StatusCode, reason)
	}
	return r.unreachable(ctx, err)
}
