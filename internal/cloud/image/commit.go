package image

import (
	"context"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// Engine is what images need of a machine.
type Engine interface {
	engine.Images
	engine.Committer
}

// CommitRequest says of what an image is made: a container that does not run, and stays so, and the config that is wanted.
type CommitRequest struct {
	Container  string // id
	Base       string // id of the container's image
	Repository string // "": the image gets no name
	Tag        string // "": latest
	Config     ocispec.Image
	Docker     engine.DockerConfig
}

// CommitName checks the name of a new image. Nil is none.
func CommitName(repository, tag string) (reference.Named, error) {
	if repository == "" {
		return nil, nil
	}
	named, err := parse(repository)
	if err != nil {
		return nil, err
	}
	if digestOf(named) != "" {
		return nil, oops.Invalid("%q has a digest: an image can be given a tag only", repository)
	}
	if tag != "" {
		if named, err = reference.WithTag(reference.TrimNamed(named), tag); err != nil {
			return nil, oops.Invalid("%q is not a tag of an image: %v", tag, err)
		}
	}
	if familiar(named.Name()) == "scratch" {
		return nil, oops.Invalid("'scratch' is a reserved name")
	}
	return named, nil
}

// Commit makes an image of a container and returns its id. An account makes one at a time. Errors: ErrInvalidArgument, ErrNotFound,
// ErrResourceExhausted.
func (s *Service) Commit(ctx context.Context, a account.Ref, req CommitRequest) (string, error) {
	if err := a.Check(); err != nil {
		return "", err
	}
	named, err := CommitName(req.Repository, req.Tag)
	if err != nil {
		return "", err
	}
	var names []reference.Named
	if named != nil {
		names = append(names, named)
	}
	sh := s.shelf(a)
	select {
	case sh.loading <- struct{}{}:
		defer func() { <-sh.loading }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if _, have := s.Store.View(a).Image(req.Base); !have {
		return "", oops.NotFound("the image that the container was made from was removed: pull it again")
	}
	ctx = quota.Once(ctx)
	if err := s.room(ctx, a); err != nil {
		return "", err
	}
	var id string
	err = s.Engine.Commit(ctx, a, engine.CommitRequest{
		ID: req.Container, Base: req.Base, Config: req.Config, Docker: req.Docker,
		Keep: func(img *engine.Image, _ []string, enter func(context.Context) error) error {
			id = img.ID
			return s.keep(ctx, a, img, names, enter)
		},
	})
	if err == nil && named != nil {
		s.publish(a, "tag", id, reference.FamiliarString(reference.TagNameOnly(named)))
	}
	return id, err
}
