package runtime

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/image-spec/identity"
	"golang.org/x/sync/errgroup"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
)

const (
	snapshotPrefix = "hyper-"
	// diskLabel is on the snapshots whose container writes to a disk of its own.
	diskLabel = "hyper/root-disk"
)

func snapshotKey(id string) string { return snapshotPrefix + id }

// CreateContainer implements engine.Containers.
func (r *Runtime) CreateContainer(ctx context.Context, a account.Ref, id, image string) error {
	if err := a.Check(); err != nil {
		return err
	}
	defer r.Trace("create.rootfs", time.Now())
	chain, err := r.chain(scope(ctx, a), image)
	if err != nil {
		return err
	}
	// Both write to disk, and wait for it: side by side that takes the time of one.
	var g errgroup.Group
	disk := r.Disks.Limited()
	if disk {
		g.Go(func() error {
			defer r.Trace("create.disk", time.Now())
			return r.Disks.Create(ctx, a, id)
		})
	}
	g.Go(func() error { return r.prepare(scope(ctx, a), a, id, image, chain, disk) })
	if err := g.Wait(); err != nil {
		return err
	}
	failpoint.Hit("create.after-snapshot")
	return nil
}

// prepare makes a container's snapshot. Its label says whether the container writes to a disk of its own.
func (r *Runtime) prepare(ctx context.Context, a account.Ref, id, image, chain string, disk bool) error {
	mapping := fmt.Sprintf("0:%d:%d", a.HostID(), account.IDCount)
	labels := map[string]string{
		"containerd.io/gc.root":           time.Now().UTC().Format(time.RFC3339),
		snapshots.LabelSnapshotUIDMapping: mapping,
		snapshots.LabelSnapshotGIDMapping: mapping,
	}
	if disk {
		labels[diskLabel] = "1"
	}
	_, err := r.snapshots().Prepare(ctx, snapshotKey(id), chain, snapshots.WithLabels(labels))
	switch {
	case err == nil, errdefs.IsAlreadyExists(err):
		return nil
	case errdefs.IsNotFound(err):
		return oops.NotFound("the layers of image %s are not on this machine: pull it again", image)
	case errors.Is(err, syscall.ENOSPC):
		return oops.Exhausted("the container's root file system cannot be made: the machine's disk is full")
	}
	return fmt.Errorf("making the root file system: %w", err)
}

// chain finds the snapshot of an image's topmost layer. An image's id is the digest of what names its layers, so that
// what was found once holds for ever; whether the account has the layers is for the snapshotter to say.
func (r *Runtime) chain(ctx context.Context, image string) (string, error) {
	r.mu.Lock()
	chain, ok := r.chains[image]
	r.mu.Unlock()
	if ok {
		return chain, nil
	}
	img, err := r.Client.GetImage(ctx, image)
	if errdefs.IsNotFound(err) {
		return "", oops.NotFound("image %s is not on this machine", image)
	}
	if err != nil {
		return "", fmt.Errorf("finding the image: %w", err)
	}
	layers, err := img.RootFS(ctx)
	if err != nil {
		return "", fmt.Errorf("reading the image: %w", err)
	}
	chain = identity.ChainID(layers).String()
	r.mu.Lock()
	r.chains[image] = chain
	r.mu.Unlock()
	return chain, nil
}

// removeRootfs removes a container's snapshot and its disk.
func (r *Runtime) removeRootfs(ctx context.Context, a account.Ref, id string) error {
	var g errgroup.Group
	g.Go(func() error { return r.Disks.Remove(ctx, a, id) })
	g.Go(func() error {
		if err := r.snapshots().Remove(scope(ctx, a), snapshotKey(id)); !errdefs.IsNotFound(err) {
			return err
		}
		return nil
	})
	return g.Wait()
}

// RootfsUsage implements engine.Containers.
func (r *Runtime) RootfsUsage(ctx context.Context, a account.Ref, id string) (int64, error) {
	if err := a.Check(); err != nil {
		return 0, err
	}
	ctx = scope(ctx, a)
	disk, err := r.hasDisk(ctx, id)
	if err != nil {
		return 0, err
	}
	if disk {
		return r.Disks.Usage(ctx, a, id)
	}
	u, err := r.snapshots().Usage(ctx, snapshotKey(id))
	if err != nil {
		return 0, fmt.Errorf("measuring the root file system: %w", err)
	}
	return u.Size, nil
}
