package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// inSite opens a container's root directory as its processes see it. mounted are the places where something is mounted in it.
func (r *Runtime) inSite(ctx context.Context, a account.Ref, at engine.FileSite, fn func(root *os.File, mounted []string) error) error {
	if err := a.Check(); err != nil {
		return err
	}
	if at.Running {
		return r.inRunning(ctx, a, at.ID, fn)
	}
	return r.inResting(ctx, a, at, fn)
}

// inRunning uses the root of the container's first process.
func (r *Runtime) inRunning(ctx context.Context, a account.Ref, id string, fn func(*os.File, []string) error) error {
	ctx, p, err := r.running(ctx, a, id)
	if err != nil {
		return err
	}
	proc := fmt.Sprintf("/proc/%d", p.pid)
	root, err := os.OpenFile(proc+"/root", unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return oops.NotFound("container %s is not running", id)
	}
	defer root.Close()
	mounts, err := mountinfo.GetMountsFromReader(opened(proc+"/mountinfo"), nil)
	if err != nil {
		return oops.NotFound("container %s is not running", id)
	}
	// If the process is still there, and the shim has not let it go, the number was its own all the time.
	reply, err := r.tasks().Get(ctx, &tasksapi.GetRequest{ContainerID: id})
	if err != nil {
		return gone(id, errgrpc.ToNative(err))
	}
	if int(reply.GetProcess().GetPid()) != p.pid || reply.GetProcess().GetExitedAt().IsValid() && reply.GetProcess().GetExitedAt().GetSeconds() > 0 {
		return oops.NotFound("container %s is not running", id)
	}
	if own, err := sameFile(root, "/"); err != nil || own {
		return errors.Join(fmt.Errorf("the root of container %s is this machine's own", id), err)
	}
	var mounted []string
	for _, m := range mounts {
		if m.Mountpoint != "/" {
			mounted = append(mounted, m.Mountpoint)
		}
	}
	return fn(root, mounted)
}

// opened is a file's content, or nothing.
func opened(name string) *strings.Reader {
	raw, _ := os.ReadFile(name)
	return strings.NewReader(string(raw))
}

func sameFile(f *os.File, name string) (bool, error) {
	mine, err := f.Stat()
	if err != nil {
		return false, err
	}
	other, err := os.Stat(name)
	if err != nil {
		return false, err
	}
	return os.SameFile(mine, other), nil
}

// inResting mounts the root file system of a container that does not run, and its volumes where they belong.
func (r *Runtime) inResting(ctx context.Context, a account.Ref, at engine.FileSite, fn func(*os.File, []string) error) (err error) {
	if at.Mounts, err = withFiles(at.Mounts); err != nil {
		return err
	}
	mounts, letGo, err := r.restingRootfs(scope(ctx, a), a, at.ID)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, letGo()) }()
	show := mounts
	if at.ReadOnly {
		show = readOnly(mounts)
	}
	return r.withMounts(show, func(dir string) error {
		if !at.ReadOnly {
			if err := makePlaces(dir, a, at.Mounts); err != nil {
				return err
			}
		}
		return r.withVolumes(dir, a, at.Mounts, func() error {
			root, err := os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
			if err != nil {
				return err
			}
			defer root.Close()
			return fn(root, nil)
		})
	})
}

// makePlaces makes the directories, and for a file the file, that volumes are mounted on, as a start would.
func makePlaces(dir string, a account.Ref, volumes []engine.Mount) error {
	for _, v := range volumes {
		f, err := openIn(dir, v.Destination, unix.O_PATH)
		if errors.Is(err, os.ErrNotExist) {
			place := makeDirIn
			if v.File != "" {
				place = makeFileIn
			}
			err = place(dir, v.Destination, int(a.HostID()), int(a.HostID()))
		} else if err == nil {
			f.Close()
		}
		if err != nil {
			return fmt.Errorf("making the place of a volume: %w", err)
		}
	}
	return nil
}

// withVolumes mounts volumes inside a mounted root file system, the outer ones first. A path is resolved inside the root, and what is mounted
// on is what was found: no link leads elsewhere.
func (r *Runtime) withVolumes(dir string, a account.Ref, volumes []engine.Mount, fn func() error) (err error) {
	if len(volumes) == 0 {
		return fn()
	}
	ns, err := mapping{inside: 0, outside: a.HostID()}.userns()
	if err != nil {
		return err
	}
	defer ns.Close()
	var done []*os.File
	defer func() {
		for i := len(done) - 1; i >= 0; i-- {
			err = errors.Join(err, unmountAt(done[i]))
		}
	}()
	for _, v := range volumes {
		f, err := mountIn(dir, v, ns)
		if err != nil {
			return fmt.Errorf("mounting a volume at %s: %w", v.Destination, err)
		}
		done = append(done, f)
	}
	return fn()
}

// mountIn mounts one volume, and returns its root.
func mountIn(dir string, v engine.Mount, ns *os.File) (*os.File, error) {
	flags := unix.O_PATH
	if v.File == "" {
		flags |= unix.O_DIRECTORY
	}
	place, err := openIn(dir, v.Destination, flags)
	if err != nil {
		return nil, err
	}
	defer place.Close()
	tree, err := unix.OpenTree(unix.AT_FDCWD, v.Source, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(tree), v.Destination)
	attr := unix.MountAttr{
		Attr_set: unix.MOUNT_ATTR_IDMAP | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC, Propagation: unix.MS_PRIVATE,
		Userns_fd: uint64(ns.Fd()),
	}
	if v.ReadOnly {
		attr.Attr_set |= unix.MOUNT_ATTR_RDONLY
	}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH, &attr); err != nil {
		f.Close()
		return nil, err
	}
	if err := unix.MoveMount(tree, "", int(place.Fd()), "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// unmountAt lets go of a mount by its root.
func unmountAt(f *os.File) error {
	defer f.Close()
	return unix.Unmount(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), unix.MNT_DETACH)
}

// withLower shows fn the image's part of a root file system, with whatever ids.
func (r *Runtime) withLower(mounts []mount.Mount, fn func(dir string) error) error {
	var lower string
	for _, m := range mounts {
		for _, o := range m.Options {
			if v, ok := strings.CutPrefix(o, "lowerdir="); ok {
				lower = v
			}
		}
	}
	switch {
	case lower == "": // an image without layers
		dir, err := os.MkdirTemp(r.RunDir, "empty-")
		if err != nil {
			return err
		}
		defer os.Remove(dir)
		return fn(dir)
	case !strings.Contains(lower, ":"):
		return fn(lower)
	}
	return r.withMounts([]mount.Mount{{Type: "overlay", Source: "overlay", Options: []string{"lowerdir=" + lower, "ro"}}}, fn)
}
