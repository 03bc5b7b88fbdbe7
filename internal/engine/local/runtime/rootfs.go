package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/image-spec/identity"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
)

const snapshotPrefix = "hyper-"

func snapshotKey(id string) string { return snapshotPrefix + id }

// CreateContainer implements engine.Containers.
func (r *Runtime) CreateContainer(ctx context.Context, a account.Ref, id, image string) error {
	if err := a.Check(); err != nil {
		return err
	}
	defer r.Trace("create.snapshot", time.Now())
	ctx = scope(ctx, a)
	chain, err := r.chain(ctx, image)
	if err != nil {
		return err
	}
	mapping := fmt.Sprintf("0:%d:%d", a.HostID(), account.IDCount)
	_, err = r.snapshots().Prepare(ctx, snapshotKey(id), chain, snapshots.WithLabels(map[string]string{
		"containerd.io/gc.root":           time.Now().UTC().Format(time.RFC3339),
		snapshots.LabelSnapshotUIDMapping: mapping,
		snapshots.LabelSnapshotGIDMapping: mapping,
	}))
	switch {
	case errdefs.IsAlreadyExists(err):
	case errdefs.IsNotFound(err):
		return oops.NotFound("the layers of image %s are not on this machine: pull it again", image)
	case errors.Is(err, syscall.ENOSPC):
		return oops.Exhausted("the container's root file system cannot be made: the machine's disk is full")
	case err != nil:
		return fmt.Errorf("making the root file system: %w", err)
	}
	failpoint.Hit("create.after-snapshot")
	return nil
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

// rootfs tells how to mount a container's root file system.
func (r *Runtime) rootfs(ctx context.Context, id string) ([]mount.Mount, error) {
	mounts, err := r.snapshots().Mounts(ctx, snapshotKey(id))
	if errdefs.IsNotFound(err) {
		return nil, oops.NotFound("container %s has no root file system", id)
	}
	if err != nil {
		return nil, fmt.Errorf("finding the root file system: %w", err)
	}
	return mounts, nil
}

// withRootfs mounts a container's root file system for as long as fn runs. No process of the container may run.
func (r *Runtime) withRootfs(mounts []mount.Mount, fn func(root string) error) (err error) {
	dir := r.mountDir()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	root, err := os.MkdirTemp(dir, "rootfs-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(root) }()
	// Mounting writes into the options: the caller's must stay as they are.
	own := slices.Clone(mounts)
	for i := range own {
		own[i].Options = slices.Clone(own[i].Options)
	}
	if err := mount.All(own, root); err != nil {
		return fmt.Errorf("mounting the root file system: %w", err)
	}
	defer func() { err = errors.Join(err, mount.UnmountAll(root, 0)) }()
	return fn(root)
}

// mountDir is where root file systems are mounted for a moment.
func (r *Runtime) mountDir() string { return filepath.Join(r.RunDir, "tmp") }

// RootfsUsage implements engine.Containers.
func (r *Runtime) RootfsUsage(ctx context.Context, a account.Ref, id string) (int64, error) {
	if err := a.Check(); err != nil {
		return 0, err
	}
	u, err := r.snapshots().Usage(scope(ctx, a), snapshotKey(id))
	if errdefs.IsNotFound(err) {
		return 0, oops.NotFound("container %s has no root file system", id)
	}
	if err != nil {
		return 0, fmt.Errorf("measuring the root file system: %w", err)
	}
	return u.Size, nil
}
