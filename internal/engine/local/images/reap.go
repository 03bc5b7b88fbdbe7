package images

import (
	"context"
	"errors"
	"slices"

	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/engine"
)

const leaseLabel = "hyper/lease"

// Reap removes the records of images that are not kept, and the leases of pulls that died.
func (s *Store) Reap(ctx context.Context, keep []engine.Keep) error {
	all, err := s.Client.NamespaceService().List(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, ns := range all {
		ctx := namespaces.WithNamespace(ctx, ns)
		var kept []string
		for _, k := range keep {
			if k.Account.ID() == ns {
				kept = k.Images
			}
		}
		records, err := s.Client.ImageService().List(ctx)
		errs = append(errs, err)
		for _, r := range records {
			if !slices.Contains(kept, r.Name) {
				errs = append(errs, ignoreMissing(s.Client.ImageService().Delete(ctx, r.Name)))
			}
		}
		held, err := s.Client.LeasesService().List(ctx)
		errs = append(errs, err)
		for _, l := range held {
			errs = append(errs, ignoreMissing(s.Client.LeasesService().Delete(ctx, leases.Lease{ID: l.ID})))
		}
	}
	return errors.Join(errs...)
}

func ignoreMissing(err error) error {
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}
