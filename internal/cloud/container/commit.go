package container

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// CommitRequest says what image is made of a container.
type CommitRequest struct {
	Repository string // "": none, the image has an id only
	Tag        string // "": latest
	Comment    string
	Author     string
	Changes    []string // instructions, as in a Dockerfile: CMD, ENV, ...
	// Override is what is set in it instead of the container's own. Empty fields are not set.
	Override ocispec.ImageConfig
}

// Commit makes an image of a stopped container: of its image, and of what it wrote to its root file system. Volumes are not part of
// it (behaviour 2.7). Errors: ErrNotFound, ErrInvalidArgument (it runs, a change cannot be made), ErrResourceExhausted.
func (s *Service) Commit(ctx context.Context, a account.Ref, ref string, req CommitRequest) (string, error) {
	c, e, err := s.lock(a, ref) // it does not start meanwhile
	if err != nil {
		return "", err
	}
	defer e.ops.Unlock()
	if err := open(c); err != nil {
		return "", err
	}
	if st := c.State.Status; st != store.StatusCreated && st != store.StatusExited {
		return "", oops.Invalid("Bad request parameters: only stopped container could be committed")
	}
	e.mu.Lock() // what is left of its process is cleared away
	defer e.mu.Unlock()
	img, ok := s.Store.View(a).Image(c.ImageID)
	if !ok {
		return "", oops.Conflict("the image that container %s was made from was removed: pull %s again", c.Name, c.Spec.Image)
	}
	if _, err := image.CommitName(req.Repository, req.Tag); err != nil {
		return "", err
	}
	config, docker := configOf(c, img)
	override(&config, req.Override)
	if err := applyChanges(&config, &docker, req.Changes); err != nil {
		return "", err
	}
	now := time.Now().UTC()
	whole := ocispec.Image{Created: &now, Author: req.Author, Platform: img.Config.Platform, Config: config}
	whole.History = append(slices.Clone(img.Config.History), ocispec.History{
		Created: &now, CreatedBy: strings.Join(c.Spec.Args, " "), Author: req.Author, Comment: req.Comment,
	})
	id, err := s.Images.Commit(ctx, a, image.CommitRequest{
		Container: c.ID, Base: c.ImageID, Repository: req.Repository, Tag: req.Tag, Config: whole, Docker: docker,
	})
	if err != nil {
		return "", err
	}
	s.publish(a, c, "commit", map[string]string{"comment": req.Comment, "imageID": id, "imageRef": strings.Trim(req.Repository+":"+req.Tag, ":")})
	return id, nil
}

// configOf is the config of an image from which the same container would be made.
func configOf(c *Container, img *store.Image) (ocispec.ImageConfig, engine.DockerConfig) {
	own := img.Config.Config
	out := ocispec.ImageConfig{
		User: c.Spec.User, Env: slices.Clone(c.Spec.Env), Entrypoint: slices.Clone(c.Spec.Entrypoint), Cmd: slices.Clone(c.Spec.Cmd),
		WorkingDir: c.Spec.WorkingDir, StopSignal: c.Spec.StopSignal, Labels: maps.Clone(c.Spec.Labels), Volumes: maps.Clone(own.Volumes),
		ArgsEscaped: own.ArgsEscaped, //nolint:staticcheck // what an image says is kept
	}
	for _, p := range c.Spec.Exposed {
		expose(&out, p)
	}
	docker := img.Docker
	docker.Healthcheck = c.Spec.Healthcheck
	return out, docker
}

func expose(c *ocispec.ImageConfig, p store.Port) {
	if c.ExposedPorts == nil {
		c.ExposedPorts = map[string]struct{}{}
	}
	c.ExposedPorts[fmt.Sprintf("%d/%s", p.Number, p.Proto)] = struct{}{}
}

// override sets what a client's own config names.
func override(c *ocispec.ImageConfig, o ocispec.ImageConfig) {
	for _, f := range []struct {
		to   *string
		from string
	}{{&c.User, o.User}, {&c.WorkingDir, o.WorkingDir}, {&c.StopSignal, o.StopSignal}} {
		if f.from != "" {
			*f.to = f.from
		}
	}
	if len(o.Cmd) > 0 {
		c.Cmd = o.Cmd
	}
	if len(o.Entrypoint) > 0 {
		c.Entrypoint = o.Entrypoint
	}
	if len(o.Env) > 0 {
		env := newEnviron(c.Env)
		for _, kv := range o.Env {
			env.set(kv)
		}
		c.Env = env.list()
	}
	for k, v := range o.Labels {
		setLabel(c, k, v)
	}
	for p := range o.ExposedPorts {
		if port, err := parsePort(p); err == nil {
			expose(c, port)
		}
	}
	for v := range o.Volumes {
		setVolume(c, v)
	}
}

func setLabel(c *ocispec.ImageConfig, k, v string) {
	if c.Labels == nil {
		c.Labels = map[string]string{}
	}
	c.Labels[k] = v
}

func setVolume(c *ocispec.ImageConfig, v string) {
	if c.Volumes == nil {
		c.Volumes = map[string]struct{}{}
	}
	c.Volumes[v] = struct{}{}
}
