package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine"
)

// Reap removes what belongs to no volume in keep: mounts, half-made disks, and disks that were never attached and
// so hold nothing. A disk that was in use once is not destroyed, since losing hyperd's database must not mean losing every
// volume: it is set aside in the pool's directory "orphans", and logged. What is kept stays as it is, attached or not.
// Root disks go as their containers do.
func (d *Disks) Reap(ctx context.Context, keep []engine.Keep) error {
	kept, roots, snaps := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, k := range keep {
		if err := k.Account.Check(); err != nil {
			return err
		}
		for _, id := range k.Volumes {
			kept[filepath.Join(k.Account.ID(), id)] = true
		}
		for _, id := range k.Snapshots {
			snaps[filepath.Join(k.Account.ID(), id)] = true
		}
		for _, id := range k.Containers {
			roots[filepath.Join(k.Account.ID(), id)] = true
		}
	}
	return errors.Join(
		d.thawAll(), d.reapMounts(ctx, mountsDir, kept), d.reapImages(ctx, d.pool, kept, d.reapVolume),
		d.reapImages(ctx, filepath.Join(d.pool, snapshots), snaps, d.reapSnapshot),
		d.reapMounts(ctx, rootsDir, roots), d.reapImages(ctx, filepath.Join(d.pool, rootsDir), roots, d.reapRoot))
}

// reapMounts detaches the disks that are not kept, and removes mount points without a mount.
func (d *Disks) reapMounts(ctx context.Context, name string, kept map[string]bool) error {
	root := filepath.Join(d.base, name)
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter(root))
	if err != nil {
		return fmt.Errorf("read the table of mounts: %w", err)
	}
	var errs []error
	for _, m := range mounts {
		if rel, err := filepath.Rel(root, m.Mountpoint); err == nil && !kept[rel] {
			d.log.Info("unmounting a disk that belongs to nobody", "mount", m.Mountpoint)
			errs = append(errs, unmount(ctx, m.Mountpoint))
		}
	}
	accounts, err := os.ReadDir(root)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	for _, a := range accounts {
		dir := filepath.Join(root, a.Name())
		targets, err := os.ReadDir(dir)
		errs = append(errs, err)
		for _, t := range targets {
			// rmdir and nothing more: it fails for what is mounted or holds something, and then it must stay.
			_ = os.Remove(filepath.Join(dir, t.Name()))
		}
		_ = os.Remove(dir)
	}
	return errors.Join(errs...)
}

// reapImages hands the images below root that are not kept to reap, and removes what was not finished.
func (d *Disks) reapImages(ctx context.Context, root string, kept map[string]bool, reap func(ctx context.Context, account, id string) error) error {
	_ = os.Remove(filepath.Join(d.dir, poolFile+newSuffix))
	accounts, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list the disks: %w", err)
	}
	var errs []error
	for _, a := range accounts {
		if !accountID.MatchString(a.Name()) {
			continue
		}
		dir := filepath.Join(root, a.Name())
		files, err := os.ReadDir(dir)
		errs = append(errs, err)
		for _, f := range files {
			if unfinished(f.Name()) || filledForNobody(a.Name(), f.Name(), kept) {
				if err := os.Remove(filepath.Join(dir, f.Name())); !errors.Is(err, fs.ErrNotExist) {
					errs = append(errs, err)
				}
				continue
			}
			id, ok := strings.CutSuffix(f.Name(), imageSuffix)
			if !ok || kept[filepath.Join(a.Name(), id)] {
				continue
			}
			errs = append(errs, reap(ctx, a.Name(), id))
		}
		_ = os.Remove(dir) // if nothing is left in it
	}
	return errors.Join(errs...)
}

// unfinished tells the names of disks that were being made, or filled.
func unfinished(name string) bool {
	for _, suffix := range []string{newSuffix, fillSuffix, fillSuffix + newSuffix} {
		if strings.HasSuffix(name, imageSuffix+suffix) {
			return true
		}
	}
	return false
}

// filledForNobody tells the names of disks that were filled for volumes which are not kept.
func filledForNobody(account, name string, kept map[string]bool) bool {
	id, ok := strings.CutSuffix(name, imageSuffix+filledSuffix)
	return ok && !kept[filepath.Join(account, id)]
}

func (d *Disks) reapVolume(ctx context.Context, account, id string) error {
	v := d.volumeOf(account, id)
	defer d.busy.take(v.image)()
	if err := d.detach(ctx, v); err != nil {
		return err
	}
	image, err := openImage(v)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer image.Close()
	if sb, err := readSuperblock(image); err == nil && !sb.used {
		return os.Remove(v.image)
	}
	return d.setAside(v, account)
}

// setAside keeps a disk with data that nobody claims.
func (d *Disks) setAside(v volume, account string) error {
	aside := filepath.Join(d.pool, orphans)
	if err := os.MkdirAll(aside, 0o700); err != nil {
		return err
	}
	to := filepath.Join(aside, account+"."+v.id+imageSuffix)
	if err := unix.Renameat2(unix.AT_FDCWD, v.image, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE); err != nil {
		return fmt.Errorf("set aside %s: %w", v.disk(), err)
	}
	d.log.Warn("a disk belongs to nobody and was set aside: remove it, or put it back and add the "+v.kind.noun, "disk", to)
	return errors.Join(syncDir(aside), syncDir(v.dir))
}
