package images

import (
	"context"
	"errors"
	"fmt"

	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
)

// labelLoad is on the lease of what is being loaded or committed. Such a lease does not outlive its hyperd: nothing is resumed.
const labelLoad = "hyper/load"

// makeLease makes a lease for what comes without a registry, and a context that works under it.
func (s *Store) makeLease(ctx context.Context) (*lease, context.Context, error) {
	lm := s.Client.LeasesService()
	l, err := lm.Create(ctx, leases.WithRandomID(), leases.WithLabel(labelLoad, "1"))
	if err != nil {
		return nil, nil, storing(ctx, "making a lease", err)
	}
	return &lease{Lease: l, lm: lm}, leases.WithLease(ctx, l.ID), nil
}

// drop ends the lease. What no image holds is collected.
func (l *lease) drop(ctx context.Context) { _ = l.lm.Delete(context.WithoutCancel(ctx), l.Lease) }

// Load implements engine.Images.
func (s *Store) Load(ctx context.Context, a account.Ref, req engine.LoadRequest) error {
	if err := a.Check(); err != nil {
		return err
	}
	ctx = namespaces.WithNamespace(ctx, a.ID())
	l, leased, err := s.makeLease(ctx)
	if err != nil {
		return err
	}
	defer l.drop(ctx)
	w := &work{Store: s, account: a.ID(), lease: l, tell: newReporter(req.Progress)}
	held, err := w.take(leased, req.Archive)
	if err != nil {
		return loadError(ctx, err)
	}
	if req.Read != nil {
		req.Read()
	}
	failpoint.Hit("load.after-read")
	found, err := w.find(leased, held)
	if err != nil {
		return loadError(ctx, err)
	}
	for _, in := range found {
		if err := w.keep(leased, in, req.Keep); err != nil {
			return loadError(ctx, err)
		}
	}
	return nil
}

// keep unpacks one image and hands it on.
func (p *work) keep(ctx context.Context, in incoming, keep engine.Keeper) error {
	if err := p.unpackAll(ctx, in); err != nil {
		return err
	}
	failpoint.Hit("load.after-unpack")
	return keep(in.image, in.names, func(ectx context.Context) error {
		// The keeper's context says whether to go on, the lease is ours.
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(ectx, cancel)()
		if err := p.record(ctx, in.plan, in.image); err != nil {
			return err
		}
		failpoint.Hit("load.after-record")
		return nil
	})
}

// unpackAll makes the image's snapshots, and compares those that were there with what the archive holds for them.
func (p *work) unpackAll(ctx context.Context, in incoming) error {
	layers := in.plan.manifest.Layers
	if in.plan.manifest.sent(p.MaxImageSize) > p.MaxImageSize {
		return p.tooLarge()
	}
	u, err := p.unpacker(ctx, layers, in.image.Config.RootFS.DiffIDs)
	if err != nil {
		return err
	}
	u.suspect = in.fresh
	for i := range layers {
		if err := u.unpack(ctx, i); err != nil {
			return err
		}
	}
	sizes, err := u.finish(ctx)
	measured(in.image, sizes)
	return err
}

// loadError words an error for who sent the archive.
func loadError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil, errors.Is(err, context.Canceled):
		return err
	case errdefs.IsUnavailable(err): // a layer that does not unpack to what it should: nobody can do better later
		return oops.Invalid("the image could not be loaded: %v", err)
	case errdefs.IsInvalidArgument(err), errdefs.IsResourceExhausted(err), errdefs.IsNotFound(err), errdefs.IsConflict(err):
		return err
	}
	return fmt.Errorf("loading images: %w", err)
}
