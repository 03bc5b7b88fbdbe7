package disk

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/docker/go-units"
)

// scarce is the share of the machine's disk, one in so many, below which what is left is worth a warning.
const scarce = 10

// RoomWarning is a sentence about the room on the machine's disk, when there is little left of it: disks are promises, and take
// their room when they are written to. "" is none.
func (d *Disks) RoomWarning() (string, error) {
	total, free, err := space(d.dir)
	if err != nil || free >= total/scarce {
		return "", err
	}
	promised, used, err := d.promises()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("this machine's disk has %s left, and its volumes and root disks, which take %s, may take %s: when it is full, who writes anew gets errors",
		size(free), size(used), size(promised)), nil
}

func size(bytes uint64) string { return units.BytesSize(float64(bytes)) }

// promises are the sizes of all volumes, snapshots and root disks, and the bytes that they have taken.
func (d *Disks) promises() (promised, used uint64, err error) {
	for _, pattern := range []string{"*/*" + imageSuffix, "*/*/*" + imageSuffix} {
		images, err := filepath.Glob(filepath.Join(d.pool, pattern))
		if err != nil {
			return 0, 0, err
		}
		for _, image := range images {
			fi, err := os.Lstat(image)
			if os.IsNotExist(err) { // removed meanwhile
				continue
			}
			if err != nil {
				return 0, 0, err
			}
			st, err := sysStat(fi)
			if err != nil {
				return 0, 0, err
			}
			promised, used = promised+uint64(fi.Size()), used+uint64(st.Blocks)*512
		}
	}
	return promised, used, nil
}
