package images

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

// Reap removes the records of images that are not kept, what died pulls have left, and the namespaces of accounts that are
// not kept. A namespace whose name is not of the form of an account's id is left alone. It is called when nothing else goes on and containers that are not kept are gone.
func (s *Store) Reap(ctx context.Context, keep []engine.Keep) error {
	all, err := s.Client.NamespaceService().List(ctx)
	if err != nil {
		return fmt.Errorf("listing accounts in containerd: %w", err)
	}
	var errs []error
	var strays []string
	for _, ns := range all {
		if !account.IsID(ns) {
			continue // an operator's
		}
		ctx := namespaces.WithNamespace(ctx, ns)
		i := slices.IndexFunc(keep, func(k engine.Keep) bool { return k.Account.ID() == ns })
		if i < 0 {
			strays = append(strays, ns)
			errs = append(errs, s.reapRecords(ctx, nil), s.empty(ctx))
			continue
		}
		errs = append(errs, s.reapRecords(ctx, keep[i].Images), s.reapLeases(ctx), s.reapSnapshots(ctx, keep[i].Containers))
	}
	if len(strays) > 0 {
		errs = append(errs, s.dissolve(ctx, strays))
	}
	return errors.Join(errs...)
}

func (s *Store) reapRecords(ctx context.Context, kept []string) error {
	is := s.Client.ImageService()
	records, err := is.List(ctx)
	if err != nil {
		return fmt.Errorf("listing images: %w", err)
	}
	var errs []error
	for _, r := range records {
		if !slices.Contains(kept, r.Name) {
			errs = append(errs, unlessMissing(is.Delete(ctx, r.Name)))
		}
	}
	return errors.Join(errs...)
}

// reapLeases ends every lease: nothing is under way. What a pull had fetched when hyperd died is kept as long as if it had failed
// when it began.
func (s *Store) reapLeases(ctx context.Context) error {
	lm := s.Client.LeasesService()
	all, err := lm.List(ctx)
	if err != nil {
		return fmt.Errorf("listing leases: %w", err)
	}
	var errs []error
	for _, l := range all {
		ref, ours := l.Labels[labelPull]
		_, failed := l.Labels[labelExpire]
		if ours && failed {
			continue // containerd ends it when its time comes
		}
		if left := s.KeepPartial - time.Since(l.CreatedAt); ours && left > 0 {
			errs = append(errs, (&lease{Lease: l, lm: lm, ref: ref}).retire(ctx, left))
		}
		errs = append(errs, unlessMissing(lm.Delete(ctx, l)))
	}
	return errors.Join(errs...)
}

// ContainerSnapshot is what the names of containers' root file systems begin with; their id follows.
const ContainerSnapshot = "hyper-"

// reapSnapshots removes root file systems of containers that are not kept. Layers go by themselves.
func (s *Store) reapSnapshots(ctx context.Context, kept []string) error {
	return s.removeSnapshots(ctx, func(i snapshots.Info) bool {
		id, ok := strings.CutPrefix(i.Name, ContainerSnapshot)
		return ok && !slices.Contains(kept, id)
	})
}

// removeSnapshots removes those that gone names, and then those that only they were made from.
func (s *Store) removeSnapshots(ctx context.Context, gone func(snapshots.Info) bool) error {
	sn := s.Client.SnapshotService(snapshotter)
	for {
		var names []string
		parents := map[string]bool{}
		if err := sn.Walk(ctx, func(_ context.Context, i snapshots.Info) error {
			parents[i.Parent] = true
			if gone(i) {
				names = append(names, i.Name)
			}
			return nil
		}); err != nil && !errdefs.IsNotFound(err) {
			return fmt.Errorf("listing snapshots: %w", err)
		}
		names = slices.DeleteFunc(names, func(n string) bool { return parents[n] })
		if len(names) == 0 {
			return nil
		}
		for _, n := range names {
			if err := unlessMissing(sn.Remove(ctx, n)); err != nil {
				return fmt.Errorf("removing snapshot %s: %w", n, err)
			}
		}
	}
}

// empty removes all leases, snapshots and blobs of a namespace.
func (s *Store) empty(ctx context.Context) error {
	lm := s.Client.LeasesService()
	held, err := lm.List(ctx)
	errs := []error{err}
	for _, l := range held {
		errs = append(errs, unlessMissing(lm.Delete(ctx, l)))
	}
	return errors.Join(append(errs, s.removeSnapshots(ctx, func(snapshots.Info) bool { return true }))...)
}

// dissolve deletes namespaces whose images and snapshots are gone. Their blobs are collected first, which only happens
// where there is a namespace.
func (s *Store) dissolve(ctx context.Context, strays []string) error {
	lm := s.Client.LeasesService()
	first := namespaces.WithNamespace(ctx, strays[0])
	l, err := lm.Create(first, leases.WithRandomID())
	if err != nil {
		return fmt.Errorf("making a lease: %w", err)
	}
	if err := lm.Delete(first, l, leases.SynchronousDelete); err != nil {
		return fmt.Errorf("collecting what is left of accounts: %w", err)
	}
	var errs []error
	for _, ns := range strays {
		if err := unlessMissing(s.Client.NamespaceService().Delete(ctx, ns)); err != nil {
			errs = append(errs, fmt.Errorf("removing the remains of account %s: %w", ns, err))
		}
	}
	return errors.Join(errs...)
}

func unlessMissing(err error) error {
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}
