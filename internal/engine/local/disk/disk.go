// Package disk keeps volumes on this machine: it implements engine.Volumes. It keeps containers' root disks, too: what
// their root file systems are written to (see Roots).
//
// A volume is an ext4 file system of its stated size in a sparse image file of its own, attached by a loop
// device with direct I/O and mounted by hyperd. What a container gets is the directory "data" inside, so that
// lost+found is never seen. The file system itself enforces the size.
//
//	<pool>/<account>/<volume>.img       the disk; <volume>.img.new while it is being made
//	<base>/mnt/<account>/<volume>       where it is mounted while it is attached
//	<pool>/<account>/<volume>.img.fill  a disk that is being filled to take the volume's place, mounted at <base>/mnt/<account>/<volume>.fill;
//	                                    <volume>.img.filled when it is whole
//	<pool>/snapshots/<account>/<snapshot>.img   what a volume held at a moment
//	<pool>/orphans/<account>.<volume>.img   a disk with data that nobody claimed when hyperd started
//	<pool>/roots/<account>/<container>.img  a container's root disk, mounted at <base>/roots/<account>/<container>
//	<pool>/roots/empty-<bytes>.img      what root disks of that size are copies of
//
// <pool> is the data directory itself if its file system can share blocks between files (reflinks), so that snapshots
// cost nothing. Otherwise it is the mounted XFS inside <dir>/pool.xfs, a sparse file; and where the kernel has no
// XFS, the data directory after all, with full copies.
//
// Rules:
//
//   - Nothing is remembered in memory. What is attached is asked of the kernel: a mount at the volume's place,
//     a loop device bound to the image's inode. So a hyperd that starts anew adopts what an earlier one left.
//   - An image is bound to one loop device at most. Mounting it by a second one, while some mount namespace still
//     holds the first, would corrupt it; attaching therefore always looks for a device first.
//   - Loop devices are set to clear themselves: a device without a mount frees itself, whoever died in between.
//   - An image file appears under its name only when it is whole and on disk.
//   - A volume's data is destroyed by RemoveVolume and by nothing else: Reap sets aside what it does not know. A root
//     disk lives and dies with its container.
package disk

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/sync/semaphore"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/failpoint"
)

// Config says where volumes are kept.
type Config struct {
	// Dir is the directory that holds the disks; it is made if missing.
	Dir string
	// RunDir is where mounts are made; "" is Dir. It may be emptied by a reboot.
	RunDir string
	// PoolSize is the size in bytes of the pool file, if one is needed and not there yet. 0 takes
	// nine tenths of the file system of Dir, at least 20 GiB. The file is sparse.
	PoolSize int64
	// Overcommit is how many times the size of the file system of Dir all volumes may have together; 0 is any number of times.
	Overcommit float64
	// Reserve is how many bytes of that file system are kept for data that are there: with less, there are no new disks, and
	// GuardRoom lets those that there are take no new data. 0 is a fiftieth, at least 256 MiB and at most 4 GiB.
	Reserve uint64
	Log     *slog.Logger
}

// The backends, by what a copy of a volume costs.
const (
	backendReflink = "reflink"  // Dir shares blocks
	backendPool    = "xfs-pool" // an XFS pool file in Dir shares blocks
	backendCopy    = "copy"     // every copy is a full one
)

// Disks are the volumes of this machine. It is safe for concurrent use.
type Disks struct {
	dir       string // of the images, or of the pool file
	base      string // of the mounts
	pool      string // directory of the images
	backend   string
	log       *slog.Logger
	headroom  uint64 // bytes that must stay free on the host's file system
	busy      locks  // by volume
	guard     guard
	comparing *semaphore.Weighted // of snapshots with big lists
	admissions
}

var _ engine.Volumes = (*Disks)(nil)

// New readies the directory for volumes: it picks the backend, makes the pool if it is needed, and mounts
// it or adopts its mount.
func New(ctx context.Context, cfg Config) (*Disks, error) {
	return open(ctx, cfg, canReflink)
}

// open is New with the question whether a directory has reflinks turned out.
func open(ctx context.Context, cfg Config, reflinks func(dir string) (bool, error)) (*Disks, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, err
	}
	base := dir
	if cfg.RunDir != "" {
		if base, err = filepath.Abs(cfg.RunDir); err != nil {
			return nil, err
		}
	}
	d := &Disks{dir: dir, base: base, log: cfg.Log, headroom: cfg.Reserve, admissions: admissions{overcommit: cfg.Overcommit}, comparing: semaphore.NewWeighted(2)}
	if d.log == nil {
		d.log = slog.Default()
	}
	for _, p := range []*string{&d.dir, &d.base} {
		if err := os.MkdirAll(*p, 0o700); err != nil {
			return nil, fmt.Errorf("make the volume directory: %w", err)
		}
		// The kernel's table of mounts has no symbolic links in it.
		if *p, err = filepath.EvalSymlinks(*p); err != nil {
			return nil, fmt.Errorf("make the volume directory: %w", err)
		}
	}
	d.pool = d.dir
	for _, name := range []string{mountsDir, rootsDir} {
		if err := os.MkdirAll(filepath.Join(d.base, name), 0o700); err != nil {
			return nil, fmt.Errorf("make the volume directory: %w", err)
		}
	}
	if cfg.Reserve == 0 {
		d.headroom = ^uint64(0)
		if err := d.keepBack(d.dir); err != nil {
			return nil, err
		}
	}
	if err := d.pick(ctx, cfg.PoolSize, reflinks); err != nil {
		return nil, fmt.Errorf("prepare the volume directory %s: %w", d.dir, err)
	}
	if cfg.Reserve == 0 {
		err = d.keepBack(d.pool)
	}
	return d, err
}

// Backend tells how volumes are kept: "reflink", "xfs-pool" or "copy".
func (d *Disks) Backend() string { return d.backend }

// Close lets go of the volumes without detaching any: containers go on using them.
func (d *Disks) Close() error { return nil }

// volume is one disk's places on the machine, from identifiers that were checked.
type volume struct {
	kind   kind
	id     string
	dir    string // of the account's images
	image  string
	target string // where it is mounted
}

// kind is what a disk is for, in the words for users and in the names of failpoints.
type kind struct{ noun, point string }

var (
	aVolume   = kind{"volume", "volume"}
	aSnapshot = kind{"snapshot", "snapshot"}
	aRootDisk = kind{"the root disk of container", "root"}
	aFill     = kind{"the new content of volume", "fill"}
)

// String names the disk as people would.
func (v volume) String() string { return v.kind.noun + " " + short(v.id) }

// hit is a failpoint of what is done to this kind of disk.
func (v volume) hit(step string) { failpoint.Hit(v.kind.point + "." + step) }

// volume checks the identifiers, which become file names, and returns the places.
func (d *Disks) volume(a account.Ref, id string) (volume, error) {
	if err := a.Check(); err != nil {
		return volume{}, err
	}
	if !volumeID.MatchString(id) {
		return volume{}, errBadID(id)
	}
	return d.volumeOf(a.ID(), id), nil
}

// volumeOf returns a volume's places. Its identifiers are names that were found on the machine.
func (d *Disks) volumeOf(account, id string) volume {
	return diskAt(aVolume, d.pool, filepath.Join(d.base, mountsDir), account, id)
}

func diskAt(k kind, images, mounts, account, id string) volume {
	dir := filepath.Join(images, account)
	return volume{kind: k, id: id, dir: dir, image: filepath.Join(dir, id+imageSuffix), target: filepath.Join(mounts, account, id)}
}
