package disk

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const (
	extentUnwritten = 0x800
	zerosAtOnce     = 1 << 20
)

// settle writes what a file has room for but was never written: of a fresh volume that is the journal of its file system, of a pool
// the log. Left alone, it would take its room on the machine's disk when it is used. Then a full disk turns a volume read-only and
// ends the service of the whole pool, since a journal could not be written; and each flush waits for a transaction of the file system
// below. Nobody may have the file mounted.
func settle(f *os.File) error {
	unwritten, err := extentsOf(f, extentUnwritten)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at the extents of %s: %w", f.Name(), err)
	}
	zeros := make([]byte, zerosAtOnce)
	for _, e := range unwritten {
		for at, end := int64(e.logical), int64(e.logical+e.length); at < end; at += zerosAtOnce {
			if _, err := f.WriteAt(zeros[:min(zerosAtOnce, end-at)], at); err != nil {
				return fmt.Errorf("write the journal of %s: %w", f.Name(), err)
			}
		}
	}
	if len(unwritten) == 0 {
		return nil
	}
	return f.Sync()
}

// extentsOf lists a file's extents that have all the flags.
func extentsOf(f *os.File, flags uint32) (list []extent, err error) {
	err = eachExtent(f, func(e extent) {
		if e.flags&flags == flags {
			list = append(list, e)
		}
	})
	return list, err
}
