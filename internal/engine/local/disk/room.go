package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/docker/go-units"

	"github.com/hypercloud/hyper/internal/engine"
)

// scarce is the share of the machine's disk, one in so many, below which what is left is worth a warning.
const scarce = 10

// Room tells what there is of the machine's disk, what all disks on it may take, and what they have taken.
func (d *Disks) Room() (engine.Room, error) {
	total, free, err := space(d.dir)
	if err != nil {
		return engine.Room{}, err
	}
	promised, used, err := d.promises()
	if err != nil {
		return engine.Room{}, err
	}
	return engine.Room{Total: total, Free: free, Promised: promised, Used: min(used, total-free), Full: d.guard.isFull()}, nil
}

// RoomWarning is a sentence about the room on the machine's disk, when there is little left of it. "" is none.
func RoomWarning(r engine.Room) string {
	switch {
	case r.Full:
		return fmt.Sprintf("this machine's disk has %s left, and is full: what is there can be read and changed in place, but new data are refused until containers, volumes, snapshots or images are removed", size(r.Free))
	case r.Free < r.Total/scarce:
		return fmt.Sprintf("this machine's disk has %s left, and its volumes, snapshots and root disks, which take %s, may take %s", size(r.Free), size(r.Used), size(r.Promised))
	}
	return ""
}

func size(bytes uint64) string { return units.BytesSize(float64(bytes)) }

// promises are the sizes of all volumes, snapshots and root disks, and the bytes that they have taken. Outside of a pool, those that
// several of them share are counted for each.
func (d *Disks) promises() (promised, used uint64, err error) {
	for _, pattern := range []string{"*/*" + imageSuffix, "*/*/*" + imageSuffix} {
		images, err := filepath.Glob(filepath.Join(d.pool, pattern))
		if err != nil {
			return 0, 0, err
		}
		for _, image := range images {
			size, taken, err := lengths(image)
			if errors.Is(err, fs.ErrNotExist) { // removed meanwhile
				continue
			}
			if err != nil {
				return 0, 0, err
			}
			promised, used = promised+size, used+taken
		}
	}
	if d.backend == backendPool {
		_, used, err = lengths(filepath.Join(d.dir, poolFile))
	}
	return promised, used, err
}

// lengths are what a file is long, and what it takes, in bytes.
func lengths(path string) (length, taken uint64, err error) {
	fi, err := os.Lstat(path)
	if err != nil {
		return 0, 0, err
	}
	st, err := sysStat(fi)
	if err != nil {
		return 0, 0, err
	}
	return uint64(fi.Size()), uint64(st.Blocks) * 512, nil
}
