package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Destroy closes the engine and removes what is left of it on the machine once Reap has ended everything: mounts below its
// directories, and its control groups. The directories themselves are their owner's to remove.
func (e *Engine) Destroy(_ context.Context) error {
	errs := []error{e.Close(), e.daemon.Destroy()}
	for _, root := range []string{e.config.RunDir, e.config.DataRoot} {
		mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter(root))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		slices.Reverse(mounts) // inner mounts first
		for _, m := range mounts {
			if m.Mountpoint == root {
				continue // somebody else's: the directory is a file system of its own
			}
			if err := unix.Unmount(m.Mountpoint, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) {
				errs = append(errs, err)
			}
		}
	}
	for _, pattern := range []string{"/sys/fs/cgroup" + e.config.CgroupParent, "/sys/fs/cgroup/*" + e.config.CgroupParent} {
		roots, _ := filepath.Glob(pattern)
		for _, r := range roots {
			removeGroups(r)
		}
	}
	return errors.Join(errs...)
}

// removeGroups removes a control group and those below it; one that still has a process stays.
func removeGroups(root string) {
	var dirs []string
	_ = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, p)
		}
		return nil
	})
	for _, d := range slices.Backward(dirs) {
		_ = os.Remove(d)
	}
}
