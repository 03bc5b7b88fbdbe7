package images

import (
	"context"
	"fmt"

	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// Manifest implements engine.Images.
func (s *Store) Manifest(ctx context.Context, a account.Ref, id string) (ocispec.Descriptor, error) {
	if err := a.Check(); err != nil {
		return ocispec.Descriptor{}, err
	}
	return s.manifest(namespaces.WithNamespace(ctx, a.ID()), id)
}

// OpenBlob implements engine.Images. In its namespace an account has what its own images consist of, and nothing else, even where
// another's bytes are the same.
func (s *Store) OpenBlob(ctx context.Context, a account.Ref, dgst string) (engine.Blob, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	d, err := digest.Parse(dgst)
	if err != nil {
		return nil, oops.Invalid("%q is not a digest", dgst)
	}
	blob, err := s.Client.ContentStore().ReaderAt(namespaces.WithNamespace(ctx, a.ID()), ocispec.Descriptor{Digest: d})
	if errdefs.IsNotFound(err) {
		return nil, oops.NotFound("%s is not on this machine", d)
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", d, err)
	}
	return blob, nil
}

// manifest finds the manifest of an image that is here; ctx has the account's namespace.
func (s *Store) manifest(ctx context.Context, id string) (ocispec.Descriptor, error) {
	rec, err := s.Client.ImageService().Get(ctx, id)
	if errdefs.IsNotFound(err) {
		return ocispec.Descriptor{}, oops.NotFound("image %s is not on this machine", id)
	}
	if err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("finding image %s: %w", id, err)
	}
	desc, err := s.manifestOf(ctx, rec.Target)
	if err != nil {
		return desc, fmt.Errorf("reading image %s: %w", id, err)
	}
	return desc, nil
}
