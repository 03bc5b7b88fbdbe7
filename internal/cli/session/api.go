package session

import (
	"context"
	"strings"
	"sync"

	"github.com/containerd/errdefs"
	dockerclient "github.com/moby/moby/client"
)

// api is the Docker API as docker/cli's commands see it. It differs from the plain client in two places, each of
// which would otherwise need a copy of those commands.
type api struct {
	dockerclient.APIClient

	mu      sync.Mutex
	pinged  bool
	ping    dockerclient.PingResult
	pingErr error

	images  ImageSource
	instead func(context.Context, dockerclient.ContainerCreateOptions) error
	created bool // a container
}

// ImageSource brings an image into the region. Container creation asks it.
type ImageSource struct {
	// Always brings the image before every creation, and not only when it is missing.
	Always bool
	// Bring gets one image, named as the user typed it. Nil leaves a missing image missing.
	Bring func(ctx context.Context, image string) error
}

// BringImages makes container creation get missing images from source.
func (s *Session) BringImages(source ImageSource) { s.api.images = source }

// InsteadOfCreating has fn called with what a container would be created with, and none created. Its error is creation's.
func (s *Session) InsteadOfCreating(fn func(context.Context, dockerclient.ContainerCreateOptions) error) {
	s.api.instead = fn
}

// Created reports whether a container was created.
func (s *Session) Created() bool { return s.api.created }

// Ping spares the second of two pings: the library asks once to agree on a version, its commands once more to learn
// the server's operating system. Over a network that is a round trip before every container.
func (a *api) Ping(ctx context.Context, o dockerclient.PingOptions) (dockerclient.PingResult, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pinged && !o.ForceNegotiate {
		return a.ping, nil
	}
	result, err := a.APIClient.Ping(ctx, o)
	if err == nil {
		a.ping, a.pinged = result, true
	}
	a.pingErr = err
	return result, err
}

// Reach says why the server cannot be reached. Commands of docker/cli that go through many containers turn that
// error into text, once for each; asked first, it is reported once. It costs nothing: they ping anyway.
func (s *Session) Reach() error {
	s.Cli.Client() // Pings.
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	if dockerclient.IsErrConnectionFailed(s.api.pingErr) {
		return s.api.pingErr
	}
	return nil
}

// ContainerCreate creates a container; an image that the region does not have is brought, and creation tried once more.
func (a *api) ContainerCreate(ctx context.Context, o dockerclient.ContainerCreateOptions) (dockerclient.ContainerCreateResult, error) {
	if a.instead != nil {
		return dockerclient.ContainerCreateResult{}, a.instead(ctx, o)
	}
	created, err := a.create(ctx, o)
	a.created = a.created || err == nil
	return created, err
}

func (a *api) create(ctx context.Context, o dockerclient.ContainerCreateOptions) (dockerclient.ContainerCreateResult, error) {
	image := o.Image
	if image == "" && o.Config != nil {
		image = o.Config.Image
	}
	if a.images.Bring == nil {
		return a.APIClient.ContainerCreate(ctx, o)
	}
	if !a.images.Always {
		created, err := a.APIClient.ContainerCreate(ctx, o)
		if !MissingImage(err) {
			return created, err
		}
	}
	if err := a.images.Bring(ctx, image); err != nil {
		return dockerclient.ContainerCreateResult{}, err
	}
	return a.APIClient.ContainerCreate(ctx, o)
}

// MissingImage tells a missing image from a missing link target or volume, which no pull can help.
func MissingImage(err error) bool {
	return errdefs.IsNotFound(err) && strings.Contains(strings.ToLower(err.Error()), "no such image")
}
