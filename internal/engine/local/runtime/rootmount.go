package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
)

// RootDisks are the disks, of a fixed size, that containers' root file systems are written to. All of their methods may
// be repeated.
type RootDisks interface {
	// Limited reports whether a new container is to have a disk.
	Limited() bool
	Create(ctx context.Context, a account.Ref, id string) error
	// Attach gives the disk's directories for overlayfs. What the container has as / belongs to the account's root. What is
	// on a volatile disk need not survive a power cut.
	Attach(ctx context.Context, a account.Ref, id string, volatile bool) (upper, work string, err error)
	// Detach writes the disk and lets go of it. Not attached, and absent, is no error.
	Detach(ctx context.Context, a account.Ref, id string) error
	// DetachIdle detaches the disks of which idle says that their container has no process.
	DetachIdle(ctx context.Context, idle func(account, id string) bool) error
	// Remove destroys the disk, attached or not. Absent is no error.
	Remove(ctx context.Context, a account.Ref, id string) error
	// Usage is the number of bytes that are written to the disk.
	Usage(ctx context.Context, a account.Ref, id string) (int64, error)
}

// rootfs tells how to mount a container's root file system, and attaches its disk. Detaching it is up to DeleteTask.
func (r *Runtime) rootfs(ctx context.Context, a account.Ref, id string, volatile bool) ([]mount.Mount, error) {
	disk, err := r.hasDisk(ctx, id)
	if err != nil {
		return nil, err
	}
	mounts, err := r.snapshots().Mounts(ctx, snapshotKey(id))
	if err != nil {
		return nil, fmt.Errorf("finding the root file system: %w", err)
	}
	if !disk {
		return mounts, nil
	}
	defer r.Trace("start.disk", time.Now())
	upper, work, err := r.Disks.Attach(ctx, a, id, volatile)
	if err != nil {
		return nil, err
	}
	return writeTo(mounts, upper, work), nil
}

// hasDisk tells whether a container's root file system is on a disk of its own. One that was made without stays as it is.
func (r *Runtime) hasDisk(ctx context.Context, id string) (bool, error) {
	info, err := r.snapshots().Stat(ctx, snapshotKey(id))
	if errdefs.IsNotFound(err) {
		return false, oops.NotFound("container %s has no root file system", id)
	}
	if err != nil {
		return false, fmt.Errorf("finding the root file system: %w", err)
	}
	return info.Labels[diskLabel] != "", nil
}

// writeTo puts other directories in the place of those that a snapshot is written to.
func writeTo(mounts []mount.Mount, upper, work string) []mount.Mount {
	out := copyOf(mounts)
	for i, m := range out {
		if m.Type == "bind" { // an image without layers
			out[i].Source = upper
			continue
		}
		for j, o := range m.Options {
			switch {
			case strings.HasPrefix(o, "upperdir="):
				m.Options[j] = "upperdir=" + upper
			case strings.HasPrefix(o, "workdir="):
				m.Options[j] = "workdir=" + work
			}
		}
	}
	return out
}

// readOnly is for looking at a root file system. Letting go of one that can be written waits for the disk.
func readOnly(mounts []mount.Mount) []mount.Mount {
	out := copyOf(mounts)
	for i := range out {
		out[i].Options = append(slices.DeleteFunc(out[i].Options, func(o string) bool { return o == "rw" }), "ro")
	}
	return out
}

// longestOptions keeps what toRead makes well below the page that mount takes: containerd shortens the paths of layers only
// while they are in one directory.
const longestOptions = 3000

// toRead is for looking at names and contents, whoever they belong to. With what the container wrote as one more layer
// there is nothing to map, to make or to write, which is several times as fast.
func toRead(mounts []mount.Mount) []mount.Mount {
	out := readOnly(mounts)
	for i, m := range out {
		var upper string
		lower := -1
		own := slices.DeleteFunc(m.Options, func(o string) bool {
			name, value, _ := strings.Cut(o, "=")
			if name == "upperdir" {
				upper = value
			}
			return name == "upperdir" || name == "workdir" || name == "uidmap" || name == "gidmap"
		})
		for j, o := range own {
			if strings.HasPrefix(o, "lowerdir=") {
				lower = j
			}
		}
		if m.Type == "overlay" {
			if upper == "" || lower < 0 || len(own[lower])+len(upper) > longestOptions {
				return readOnly(mounts)
			}
			own[lower] = "lowerdir=" + upper + ":" + strings.TrimPrefix(own[lower], "lowerdir=")
		}
		out[i].Options = own
	}
	return out
}

func copyOf(mounts []mount.Mount) []mount.Mount {
	out := slices.Clone(mounts)
	for i := range out {
		out[i].Options = slices.Clone(out[i].Options)
	}
	return out
}

// withMounts mounts a container's root file system for as long as fn runs. No process of the container may run.
func (r *Runtime) withMounts(mounts []mount.Mount, fn func(root string) error) (err error) {
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
	if err := mount.All(copyOf(mounts), root); err != nil {
		return fmt.Errorf("mounting the root file system: %w", err)
	}
	defer func() { err = errors.Join(err, mount.UnmountAll(root, 0)) }()
	return fn(root)
}

// mountDir is where root file systems are mounted for a moment.
func (r *Runtime) mountDir() string { return filepath.Join(r.RunDir, "tmp") }
