// Package registry checks the credentials that a user has at an image registry.
//
// Nothing is kept: a client stores what it logged in with and sends it along with each pull. A check asks the
// registry, over TLS unless it is on this machine's loopback, and gives up after half a minute.
package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
)

// hub is where Docker Hub's registry answers.
const hub = "index.docker.io"

const patience = 30 * time.Second

// Service checks credentials. Transport nil is http.DefaultTransport.
type Service struct {
	Transport http.RoundTripper
}

// Login asks the registry at server ("" is Docker Hub; a scheme and a path are passed over) whether it knows the user.
// An identity token wins over the password. Errors: ErrUnauthenticated, ErrInvalidArgument for the server's name,
// ErrUnavailable when the registry does not answer as one.
func (s *Service) Login(ctx context.Context, a account.Ref, server, username, password, token string) error {
	if err := a.Check(); err != nil {
		return err
	}
	host := hostOf(server)
	reg, err := name.NewRegistry(host)
	if err != nil {
		return oops.Invalid("%q is not the address of a registry: use a host name, with a port if need be", host)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	auth := authn.FromConfig(authn.AuthConfig{Username: username, Password: password, IdentityToken: token})
	inner := s.Transport
	if inner == nil {
		inner = http.DefaultTransport
	}
	rt, err := transport.NewWithContext(ctx, reg, auth, inner, nil)
	if err != nil {
		return refused(host, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s://%s/v2/", reg.Scheme(), reg.RegistryStr()), nil)
	if err != nil {
		return oops.Invalid("%q is not the address of a registry", host)
	}
	resp, err := (&http.Client{Transport: rt}).Do(req)
	if err != nil {
		return refused(host, err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	switch resp.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusUnauthorized, http.StatusForbidden:
		return wrong(host)
	}
	return oops.Unavailable("the registry %s answered the login by %s: try again later", host, resp.Status)
}

// hostOf takes scheme and path off what clients call a registry: https://index.docker.io/v1/.
func hostOf(server string) string {
	_, rest, ok := strings.Cut(server, "://")
	if !ok {
		rest = server
	}
	host, _, _ := strings.Cut(rest, "/")
	switch host {
	case "", "docker.io", "registry-1.docker.io":
		return hub
	}
	return host
}

func wrong(host string) error {
	return oops.Unauthenticated("the registry %s refuses the login: incorrect user name or password", host)
}

func refused(host string, err error) error {
	var status *transport.Error
	if errors.As(err, &status) && (status.StatusCode == http.StatusUnauthorized || status.StatusCode == http.StatusForbidden) {
		return wrong(host)
	}
	return oops.Unavailable("the registry %s cannot be asked: %w", host, err)
}
