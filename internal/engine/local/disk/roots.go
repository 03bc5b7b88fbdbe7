package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/failpoint"
)

const (
	// templateFormat changes with whatever makes a new root disk differ from an old one.
	templateFormat = 1
	// rootJournal is the size in MiB of a root disk's journal. The journal of a disk that is written to takes its whole size
	// on the machine's, for each container: mkfs's own choice for 10 GB would be 64.
	rootJournal = 16
)

// Directories of a root disk: what a container writes, and what overlayfs needs beside it. Neither is the disk's root, so
// that lost+found is never seen.
const (
	upperDir = "fs"
	workDir  = "work"
)

// Roots are the disks that containers' root file systems are written to: one for each container, of the same size,
// by the container's id. They are kept as volumes are.
type Roots struct {
	disks *Disks
	size  int64
	made  locks // of templates, by path
}

// Roots gives the root disks. New ones have size bytes; 0 makes none.
func (d *Disks) Roots(size int64) *Roots { return &Roots{disks: d, size: size - size%blockSize} }

// Limited reports whether new containers are to have a root disk.
func (r *Roots) Limited() bool { return r.size > 0 }

// Create makes an empty disk. Creating it again changes nothing.
func (r *Roots) Create(ctx context.Context, a account.Ref, id string) error {
	v, err := r.of(a, id)
	if err != nil {
		return err
	}
	defer r.disks.busy.take(v.image)()
	if _, err := os.Lstat(v.image); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	template, err := r.template(ctx)
	if err != nil {
		return createError(v, err)
	}
	return createError(v, r.disks.create(v, r.size, func(path string) error { return copyImage(path, template) }))
}

// template returns the path of an empty disk that new ones are copied from, and makes it if it is not there.
func (r *Roots) template(ctx context.Context) (string, error) {
	path := r.disks.templateOf(r.size)
	defer r.made.take(path)()
	if _, err := os.Lstat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	content, err := os.MkdirTemp(r.disks.base, "empty-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(content)
	for name, mode := range map[string]os.FileMode{upperDir: 0o755, workDir: 0o711} {
		if err := errors.Join(os.Mkdir(filepath.Join(content, name), mode), os.Chmod(filepath.Join(content, name), mode)); err != nil {
			return "", err
		}
	}
	return path, makeFile(path, r.size, "root.template.after-file", func(path string) error {
		// Its size is for ever: no room is kept for growing tables.
		return makeExt4(ctx, path, 1, "-O", "^resize_inode", "-J", fmt.Sprintf("size=%d", rootJournal), "-d", content)
	})
}

func (d *Disks) templateOf(size int64) string {
	return filepath.Join(d.pool, rootsDir, fmt.Sprintf("empty-%d-%d%s", templateFormat, size, imageSuffix))
}

// Attach mounts the disk, if it is not, and returns the directories that overlayfs writes to. The first belongs to the
// account's root: it is what a container has as /. A volatile disk is faster, and is lost with the machine's power: that
// is for containers which are removed when they end.
func (r *Roots) Attach(ctx context.Context, a account.Ref, id string, volatile bool) (upper, work string, err error) {
	v, err := r.of(a, id)
	if err != nil {
		return "", "", err
	}
	defer r.disks.busy.take(v.image)()
	options := mountOptions
	if volatile {
		options = volatileOptions
	}
	if err := r.disks.attach(ctx, v, options); err != nil {
		return "", "", err
	}
	upper, work = filepath.Join(v.target, upperDir), filepath.Join(v.target, workDir)
	var st unix.Stat_t
	if err := unix.Lstat(upper, &st); err != nil {
		return "", "", fmt.Errorf("attach %s: %w", v, err)
	}
	if st.Uid == 0 { // it is fresh
		if err := os.Lchown(upper, int(a.HostID()), int(a.HostID())); err != nil {
			return "", "", fmt.Errorf("attach %s: %w", v, err)
		}
	}
	return upper, work, nil
}

// Detach writes everything to disk and lets go of it. Not attached, and absent, is no error.
func (r *Roots) Detach(ctx context.Context, a account.Ref, id string) error {
	v, err := r.of(a, id)
	if err != nil {
		return err
	}
	return r.disks.detachRoot(ctx, v)
}

func (d *Disks) detachRoot(ctx context.Context, v volume) error {
	defer d.busy.take(v.image)()
	if _, mounted, err := mountedLoop(v.target); err != nil || !mounted {
		return err
	}
	return letGo(ctx, v)
}

// Remove destroys the disk, attached or not. Absent is no error.
func (r *Roots) Remove(ctx context.Context, a account.Ref, id string) error {
	v, err := r.of(a, id)
	if err != nil {
		return err
	}
	return r.disks.removeRoot(ctx, v)
}

func (d *Disks) removeRoot(ctx context.Context, v volume) error {
	defer d.busy.take(v.image)()
	if err := letGo(ctx, v); err != nil {
		return err
	}
	failpoint.Hit("root.remove.after-umount")
	// Somebody who has the mount in a namespace of his own keeps the space, not the name. Should the name be back after a
	// power cut, Reap removes it.
	for _, path := range []string{v.image + newSuffix, v.image} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove %s: %w", v, err)
		}
	}
	return nil
}

func (d *Disks) reapRoot(ctx context.Context, account, id string) error {
	return d.removeRoot(ctx, d.rootOf(account, id))
}

// DetachIdle detaches the disks of which idle says that their container does not run.
func (r *Roots) DetachIdle(ctx context.Context, idle func(account, container string) bool) error {
	root := filepath.Join(r.disks.base, rootsDir)
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter(root))
	if err != nil {
		return fmt.Errorf("read the table of mounts: %w", err)
	}
	var errs []error
	for _, m := range mounts {
		dir, id := filepath.Split(m.Mountpoint)
		if v := r.disks.rootOf(filepath.Base(dir), id); v.target == m.Mountpoint && idle(filepath.Base(dir), id) {
			errs = append(errs, r.disks.detachRoot(ctx, v))
		}
	}
	return errors.Join(errs...)
}

// of checks the identifiers, which become file names, and returns the places.
func (r *Roots) of(a account.Ref, id string) (volume, error) {
	if err := a.Check(); err != nil {
		return volume{}, err
	}
	if !volumeID.MatchString(id) {
		return volume{}, errBadID(id)
	}
	return r.disks.rootOf(a.ID(), id), nil
}

func (d *Disks) rootOf(account, id string) volume {
	return diskAt(aRootDisk, filepath.Join(d.pool, rootsDir), filepath.Join(d.base, rootsDir), account, id)
}
