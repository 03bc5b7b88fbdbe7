package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/docker/go-units"
	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// guard keeps the machine's disk from being written full by the disks on it. An image takes its room when it is written to, and
// a file system takes an image that cannot have more for one that fails. So before it comes to that, all file systems are told to
// hold back what they have left: who wants new room gets ENOSPC, what has its room is written to as before, and nothing fails.
//
// It is the kernel that is told, by ext4's number of reserved blocks: a hyperd that starts anew finds what an earlier one said.
type guard struct {
	mu   sync.Mutex
	full bool
	told bool  // all were told whether it is
	lost error // of the last look
}

const (
	// ownReserve is what ext4 reserves by itself, in blocks, unless a fiftieth of it is less.
	ownReserve = 4096
	// spare is what a full disk gives out all the same, in blocks: overlayfs makes a directory at each mount.
	spare = 64
	// fastest is how many bytes a second no machine's disks take.
	fastest = 4 << 30
	// The least and the most time between two looks.
	soonest, latest = 50 * time.Millisecond, 5 * time.Second
)

// keepBack lets a part of the file system that dir is on be kept back, and no more than of those before: a fiftieth, at least 256 MiB and at most 4 GiB.
func (d *Disks) keepBack(dir string) error {
	total, _, err := space(dir)
	d.headroom = min(d.headroom, max(total/50, 256<<20), 4<<30)
	return err
}

// Reserve is how many bytes of the machine's disk are kept for data that are there.
func (d *Disks) Reserve() uint64 { return d.headroom }

// GuardRoom watches what is left of the machine's disk, until ctx is done.
func (d *Disks) GuardRoom(ctx context.Context) {
	for {
		pause := d.look()
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// look tells the file systems whether there is room, and returns when to look again.
func (d *Disks) look() time.Duration {
	d.guard.mu.Lock()
	defer d.guard.mu.Unlock()
	left, err := d.left()
	was := d.guard.full
	if err == nil {
		// Once full, it takes a quarter more to be not.
		d.guard.full = left < d.headroom || was && left < d.headroom+d.headroom/4
		if d.guard.full || was || !d.guard.told {
			err = d.tellAll(d.guard.full)
			d.guard.told = err == nil
		}
	}
	switch {
	case err == nil && d.guard.full && !was:
		d.log.Warn("the machine's disk is full: volumes and root disks take no new data until there is room", "left", units.BytesSize(float64(left)), "reserve", units.BytesSize(float64(d.headroom)))
	case err == nil && was && !d.guard.full:
		d.log.Info("the machine's disk has room again: volumes and root disks take new data", "left", units.BytesSize(float64(left)))
	case err != nil && d.guard.lost == nil:
		d.log.Error("what is left of the machine's disk cannot be guarded", "error", err)
	}
	d.guard.lost = err
	if d.guard.full || err != nil {
		return time.Second
	}
	return min(max(time.Duration(left-d.headroom)*time.Second/fastest, soonest), latest)
}

// left is the room on the machine's disk, less what was written to disks and waits in memory for its place.
func (d *Disks) left() (uint64, error) {
	left := ^uint64(0)
	for _, dir := range []string{d.dir, d.pool} {
		_, free, err := space(dir)
		if err != nil {
			return 0, err
		}
		left = min(left, free)
	}
	attached, err := d.attached()
	if err != nil {
		return 0, err
	}
	for _, name := range attached {
		blocks, _, err := number(name, "delayed_allocation_blocks")
		if err != nil {
			return 0, err
		}
		left -= min(left, uint64(blocks)*blockSize)
	}
	return left, nil
}

func (g *guard) isFull() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.full
}

// attached are the mounted disks: of each, the place and the name of its device.
func (d *Disks) attached() (map[string]string, error) {
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter(d.base))
	if err != nil {
		return nil, fmt.Errorf("read the table of mounts: %w", err)
	}
	names := map[string]string{}
	for _, m := range mounts {
		if m.FSType == "ext4" {
			names[m.Mountpoint] = filepath.Base(m.Source)
		}
	}
	return names, nil
}

// welcome tells a disk that was just mounted what all others know.
func (g *guard) welcome(target, name string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.full {
		return nil
	}
	return tell(target, name, true)
}

func (d *Disks) tellAll(full bool) error {
	attached, err := d.attached()
	if err != nil {
		return err
	}
	var errs []error
	for target, name := range attached {
		errs = append(errs, tell(target, name, full))
	}
	return errors.Join(errs...)
}

// tell makes a file system hold back what it has left, but for a little, or what it does by itself. One that was told to is not
// told again: with what was freed in it, it may do what it likes.
func tell(target, name string, full bool) error {
	now, mounted, err := number(name, "reserved_clusters")
	if err != nil || !mounted || full == (now > ownReserve) {
		return err
	}
	var st unix.Statfs_t
	if err := unix.Statfs(target, &st); err != nil {
		return fmt.Errorf("measure the space in %s: %w", target, err)
	}
	reserve := min(int64(st.Blocks)/50, ownReserve)
	if full {
		reserve = min(max(int64(st.Bfree)-spare, ownReserve+1), int64(st.Blocks)-1)
	}
	f, err := os.OpenFile(attribute(name, "reserved_clusters"), os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(strconv.FormatInt(reserve, 10))
		err = errors.Join(err, f.Close())
	}
	if err != nil && !gone(err) {
		return fmt.Errorf("tell the file system at %s how much room there is: %w", target, err)
	}
	return nil
}

// number reads what the kernel tells of the file system on a device, if that is still mounted.
func number(name, what string) (n int64, mounted bool, err error) {
	raw, err := os.ReadFile(attribute(name, what))
	if gone(err) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	n, err = strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
	return n, true, err
}

func attribute(name, what string) string { return filepath.Join("/sys/fs/ext4", name, what) }

// gone tells that a disk was unmounted while its attributes were looked at.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) }
