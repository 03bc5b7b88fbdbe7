package images

import (
	"context"
	"fmt"
	"io"

	"github.com/containerd/containerd/v2/core/images/archive"
	"github.com/containerd/containerd/v2/pkg/namespaces"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

// Save implements engine.Images. Layers are written as they were fetched, packed or not. They are held while they are written.
func (s *Store) Save(ctx context.Context, a account.Ref, all []engine.SavedImage, w io.Writer) error {
	if err := a.Check(); err != nil {
		return err
	}
	ctx = namespaces.WithNamespace(ctx, a.ID())
	l, leased, err := s.makeLease(ctx)
	if err != nil {
		return err
	}
	defer l.drop(ctx)
	opts := []archive.ExportOpt{archive.WithPlatform(s.platform), archive.WithSkipNonDistributableBlobs()}
	for _, img := range all {
		desc, err := s.manifest(leased, img.ID)
		if err != nil {
			return err
		}
		// What the manifest refers to is held with it.
		if err := l.hold(leased, "content", desc.Digest.String()); err != nil {
			return storing(leased, "holding image "+img.ID, err)
		}
		desc.Platform, desc.Annotations = nil, nil
		opts = append(opts, archive.WithManifest(desc, img.Names...))
	}
	if err := archive.Export(leased, s.Client.ContentStore(), w, opts...); err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	return nil
}
