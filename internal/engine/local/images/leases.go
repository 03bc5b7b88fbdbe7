package images

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/errdefs"
)

// Labels of a pull's leases. The reference is in the label's value, cut to what a label may have.
const (
	labelPull   = "hyper/pull"
	labelExpire = "containerd.io/gc.expire"
	labelMax    = 1024
)

// lease holds what a pull has fetched and unpacked.
type lease struct {
	leases.Lease
	lm   leases.Manager
	ref  string
	keep time.Duration
}

// lease makes a lease for a pull of ref and a context that works under it. It does not expire: a slow pull of a large image may take
// longer than what is left of it is worth keeping for.
func (s *Store) lease(ctx context.Context, ref string) (*lease, context.Context, error) {
	ref = ref[:min(len(ref), labelMax)]
	lm := s.Client.LeasesService()
	l, err := lm.Create(ctx, leases.WithRandomID(), leases.WithLabel(labelPull, ref))
	if err != nil {
		return nil, nil, storing(ctx, "making a lease", err)
	}
	return &lease{Lease: l, lm: lm, ref: ref, keep: s.KeepPartial}, leases.WithLease(ctx, l.ID), nil
}

// hold puts something that exists under the lease. What does not exist is held in vain.
func (l *lease) hold(ctx context.Context, kind, id string) error {
	return l.lm.AddResource(ctx, l.Lease, leases.Resource{ID: id, Type: kind})
}

// done ends the lease of a pull whose record stands, and those that earlier attempts have left. What it cannot remove, the
// next start does.
func (l *lease) done(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	l.forget(ctx)
	_ = l.lm.Delete(ctx, l.Lease)
}

// fail ends the lease of a pull that failed. If it is to be resumed its blobs go under one that expires.
func (l *lease) fail(ctx context.Context, resume bool) {
	ctx = context.WithoutCancel(ctx)
	if resume {
		_ = l.retire(ctx, l.keep)
	}
	_ = l.lm.Delete(ctx, l.Lease)
}

// retire hands blobs and parts of blobs over to a lease that expires, and drops those of earlier attempts: this one holds
// all that it found of them.
func (l *lease) retire(ctx context.Context, keep time.Duration) error {
	held, err := l.lm.ListResources(ctx, l.Lease)
	if err != nil {
		return err
	}
	var blobs []leases.Resource
	for _, r := range held {
		if r.Type == "content" || r.Type == "ingests" {
			blobs = append(blobs, r)
		}
	}
	if len(blobs) == 0 {
		return nil
	}
	old, err := l.lm.Create(ctx, leases.WithRandomID(), leases.WithLabel(labelPull, l.ref), leases.WithExpiration(keep))
	if err != nil {
		return err
	}
	for _, r := range blobs {
		if err := l.lm.AddResource(ctx, old, r); err != nil && !errdefs.IsNotFound(err) {
			return err
		}
	}
	l.forget(ctx, old.ID)
	return nil
}

// forget deletes the leases that failed pulls of the same reference have left, but one.
func (l *lease) forget(ctx context.Context, but ...string) {
	all, err := l.lm.List(ctx, fmt.Sprintf("labels.%q==%q", labelPull, l.ref))
	if err != nil {
		return
	}
	for _, other := range all {
		if _, failed := other.Labels[labelExpire]; failed && !slices.Contains(but, other.ID) {
			_ = l.lm.Delete(ctx, other)
		}
	}
}
