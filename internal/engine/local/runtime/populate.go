package runtime

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	cfs "github.com/containerd/continuity/fs"
	securejoin "github.com/cyphar/filepath-securejoin"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
)

// Populate implements engine.Containers.
func (r *Runtime) Populate(ctx context.Context, a account.Ref, id, path, target string) error {
	if err := a.Check(); err != nil {
		return err
	}
	entries, err := os.ReadDir(target)
	if err != nil {
		return fmt.Errorf("reading the volume: %w", err)
	}
	if len(entries) > 0 {
		return nil
	}
	return r.withRootfs(scope(ctx, a), id, func(root string) error {
		// Links in the image end inside the root file system, wherever they point.
		src, err := securejoin.SecureJoin(root, path)
		if err != nil {
			return fmt.Errorf("finding %s in the image: %w", path, err)
		}
		st, err := os.Lstat(src)
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("finding %s in the image: %w", path, err)
		}
		if !st.IsDir() {
			return oops.Invalid("a volume cannot be mounted at %s: the image has a file there", path)
		}
		if err := cfs.CopyDir(target, src, cfs.WithXAttrErrorHandler(func(string, string, string, error) error { return nil })); err != nil {
			return fmt.Errorf("copying %s into the volume: %w", path, err)
		}
		return plainIDs(target, a)
	})
}

// plainIDs takes the account's shift off the owners of what was copied: on the volume, 0 is the container's root.
func plainIDs(root string, a account.Ref) error {
	return filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		if st.Nlink > 1 && !d.IsDir() && st.Uid < a.HostID() {
			return nil // another name of a file that was done
		}
		if err := os.Lchown(p, plain(st.Uid, a), plain(st.Gid, a)); err != nil {
			return err
		}
		// A change of owner takes the set-id bits away.
		if m := info.Mode(); m&(fs.ModeSetuid|fs.ModeSetgid) != 0 && m&fs.ModeSymlink == 0 {
			return os.Chmod(p, m)
		}
		return nil
	})
}

func plain(id uint32, a account.Ref) int {
	if id < a.HostID() || id >= a.HostID()+account.IDCount {
		return 0
	}
	return int(id - a.HostID())
}
