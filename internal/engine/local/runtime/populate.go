package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
)

// Names of the directory in which a volume's first content is gathered before it is moved into place: while it is being
// copied, and when it is whole. A crash leaves one of them; nothing else on the volume is ever removed.
const (
	gatheringName = ".hyper-populating"
	gatheredName  = ".hyper-populated"
)

// Populate implements engine.Containers.
func (r *Runtime) Populate(ctx context.Context, a account.Ref, id, path, target string) error {
	if err := a.Check(); err != nil {
		return err
	}
	gathered := filepath.Join(target, gatheredName)
	if _, err := os.Lstat(gathered); err == nil {
		return moveUp(gathered, target) // cut off when all was there
	}
	if err := os.RemoveAll(filepath.Join(target, gatheringName)); err != nil {
		return fmt.Errorf("clearing what an earlier attempt left: %w", err)
	}
	entries, err := os.ReadDir(target)
	if err != nil {
		return fmt.Errorf("reading the volume: %w", err)
	}
	if len(entries) > 0 {
		return nil
	}
	mounts, err := r.rootfs(scope(ctx, a), a, id, false)
	if err != nil {
		return err
	}
	return r.withMounts(readOnly(mounts), func(root string) error {
		return populate(ctx, root, path, target, a.HostID())
	})
}

// populate copies the directory path of a root file system, whose ids begin at base, to an empty directory.
func populate(ctx context.Context, root, path, target string, base uint32) error {
	src, err := openIn(root, path, unix.O_PATH|unix.O_DIRECTORY)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("finding %s in the image: %w", path, err)
	}
	defer src.Close()
	from := fmt.Sprintf("/proc/self/fd/%d", src.Fd())
	entries, err := os.ReadDir(from)
	if err != nil {
		return fmt.Errorf("reading %s in the image: %w", path, err)
	}
	t := tree{base: base, links: map[inode]string{}}
	if len(entries) > 0 {
		gathering, gathered := filepath.Join(target, gatheringName), filepath.Join(target, gatheredName)
		if err := os.Mkdir(gathering, 0o700); err != nil {
			return fmt.Errorf("copying %s into the volume: %w", path, err)
		}
		if err := t.content(ctx, from, gathering); err != nil {
			return errors.Join(fmt.Errorf("copying %s into the volume: %w", path, err), os.RemoveAll(gathering))
		}
		if err := syncAll(target); err != nil {
			return fmt.Errorf("writing %s to the volume: %w", path, err)
		}
		if err := os.Rename(gathering, gathered); err != nil {
			return err
		}
		if err := moveUp(gathered, target); err != nil {
			return err
		}
	}
	var st unix.Stat_t
	if err := unix.Stat(from, &st); err != nil {
		return err
	}
	return t.attributes(from+"/.", target, &st)
}

// moveUp moves what is in dir to its parent, where it hides nothing that is there, and removes dir.
func moveUp(dir, parent string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		to := filepath.Join(parent, e.Name())
		err := unix.Renameat2(unix.AT_FDCWD, filepath.Join(dir, e.Name()), unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
		if err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("moving %s into place: %w", e.Name(), err)
		}
	}
	return os.RemoveAll(dir)
}

// syncAll writes a file system to its disk.
func syncAll(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}
