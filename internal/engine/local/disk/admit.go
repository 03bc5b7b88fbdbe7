package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/hypercloud/hyper/internal/oops"
)

// admissions bound what volumes are promised together: so many times the machine's disk. Snapshots and root disks do not count.
type admissions struct {
	overcommit float64 // 0: any number of times
	mu         sync.Mutex
	begun      map[string]int64 // sizes of disks that are being made or grown, by image
}

// admit counts a volume of size bytes, in the place of the one that is there, and returns what ends the making of it. Of many
// at once no more are admitted than there is room for.
func (d *Disks) admit(v volume, size int64) (end func(), err error) {
	s := &d.admissions
	if s.overcommit == 0 {
		return func() {}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	total, _, err := space(d.dir)
	if err != nil {
		return nil, err
	}
	promised, err := d.promisedExcept(v.image)
	if err != nil {
		return nil, err
	}
	if float64(promised)+float64(size) > s.overcommit*float64(total) {
		return nil, oops.Exhausted("this machine has promised its volumes as much of its disk as it may: remove volumes that are not needed, or ask the operator")
	}
	if s.begun == nil {
		s.begun = map[string]int64{}
	}
	s.begun[v.image] = size
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.begun, v.image)
	}, nil
}

// promisedExcept sums the sizes of all volumes but one, those that are being made or grown with the sizes that they will have.
func (d *Disks) promisedExcept(image string) (sum int64, err error) {
	images, err := filepath.Glob(filepath.Join(d.pool, "*", "*"+imageSuffix))
	if err != nil {
		return 0, err
	}
	for path, size := range d.admissions.begun {
		if path != image {
			sum += size
		}
	}
	for _, path := range images {
		switch filepath.Base(filepath.Dir(path)) {
		case orphans, rootsDir:
			continue
		}
		if _, counted := d.admissions.begun[path]; counted || path == image {
			continue
		}
		fi, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) { // removed meanwhile
			continue
		}
		if err != nil {
			return 0, err
		}
		sum += fi.Size()
	}
	return sum, nil
}
