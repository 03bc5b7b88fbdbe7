package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/containerd/containerd/v2/core/mount"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
)

// Written shows fn what a container has written to its root file system: the upper directory of its overlay, with the ids that the
// container sees (its root is 0). No process of the container may run.
func (r *Runtime) Written(ctx context.Context, a account.Ref, id string, fn func(dir string) error) (err error) {
	if err := a.Check(); err != nil {
		return err
	}
	ctx = scope(ctx, a)
	mounts, letGo, err := r.restingRootfs(ctx, a, id)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, letGo()) }()
	upper := upperOf(mounts)
	if upper == "" {
		return oops.Unavailable("the snapshotter gives root file systems in a form that is not known")
	}
	return r.withIDMap(upper, mapping{inside: a.HostID(), outside: 0}, fn)
}

// restingRootfs is rootfs for a container whose process does not run. letGo must be called.
func (r *Runtime) restingRootfs(ctx context.Context, a account.Ref, id string) (mounts []mount.Mount, letGo func() error, err error) {
	mounts, err = r.rootfs(ctx, a, id, false)
	if err != nil {
		return nil, nil, err
	}
	return mounts, func() error { return r.Disks.Detach(context.WithoutCancel(ctx), a, id) }, nil
}

// upperOf finds the directory that a root file system is written to.
func upperOf(mounts []mount.Mount) string {
	for _, m := range mounts {
		if m.Type == "bind" {
			return m.Source
		}
		for _, o := range m.Options {
			if v, ok := strings.CutPrefix(o, "upperdir="); ok {
				return v
			}
		}
	}
	return ""
}

// mapping shows ids from inside on as those from outside on.
type mapping struct{ inside, outside uint32 }

func (m mapping) userns() (*os.File, error) {
	text := fmt.Sprintf("%d:%d:%d", m.inside, m.outside, account.IDCount)
	f, err := mount.GetUsernsFD(text, text)
	if err != nil {
		return nil, fmt.Errorf("making a user namespace: %w", err)
	}
	return f, nil
}

// withIDMap mounts a directory with other ids, read-only, for as long as fn runs.
func (r *Runtime) withIDMap(dir string, m mapping, fn func(dir string) error) (err error) {
	ns, err := m.userns()
	if err != nil {
		return err
	}
	defer ns.Close()
	if err := os.MkdirAll(r.mountDir(), 0o700); err != nil {
		return err
	}
	target, err := os.MkdirTemp(r.mountDir(), "ids-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(target) }()
	attrs := uint64(unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC)
	if err := mount.IDMapMountWithAttrs(dir, target, int(ns.Fd()), attrs, 0); err != nil {
		return fmt.Errorf("mapping the ids of a directory: %w", err)
	}
	defer func() { err = errors.Join(err, mount.UnmountAll(target, 0)) }()
	return fn(target)
}
