package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
)

// Usage is the number of bytes that are written to a root disk: what it has less to offer than an empty one. The kernel
// is asked while the disk is attached, and otherwise the disk's own record.
func (r *Roots) Usage(ctx context.Context, a account.Ref, id string) (int64, error) {
	v, err := r.of(a, id)
	if err != nil {
		return 0, err
	}
	defer r.disks.busy.take(v.image)()
	image, err := openImage(v)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, errAbsent(v)
	}
	if err != nil {
		return 0, err
	}
	defer image.Close()
	fi, err := image.Stat()
	if err != nil {
		return 0, err
	}
	free, err := r.disks.freeOn(ctx, v, image)
	if err != nil {
		return 0, fmt.Errorf("measure %s: %w", v, err)
	}
	template, err := os.Open(r.disks.templateOf(fi.Size()))
	if err != nil {
		return 0, fmt.Errorf("measure %s: %w", v, err)
	}
	defer template.Close()
	empty, err := readSuperblock(template)
	return max(empty.free-free, 0), err
}

// freeOn tells the free bytes of a disk.
func (d *Disks) freeOn(ctx context.Context, v volume, image *os.File) (free int64, err error) {
	_, mounted, err := mountedLoop(v.target)
	if err != nil {
		return 0, err
	}
	if !mounted {
		sb, err := readSuperblock(image)
		if err != nil || !sb.dirty {
			return sb.free, err
		}
		// The power failed while it was mounted. Mounting it puts the counts in order, and everything else.
		if err := d.attach(ctx, v, mountOptions); err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, letGo(ctx, v)) }()
	}
	var st unix.Statfs_t
	if err := unix.Statfs(v.target, &st); err != nil {
		return 0, err
	}
	return int64(st.Bfree) * st.Bsize, nil
}
