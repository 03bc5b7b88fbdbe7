package disk

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The call that lists where on its disk a file lies: linux/fiemap.h.
const (
	fiemapCall   = 0xc020660b
	fiemapSync   = 0x1
	extentLast   = 0x1
	extentShared = 0x2000
	extentsAsked = 512
)

type extent struct {
	logical, physical, length uint64
	_                         [2]uint64
	flags                     uint32
	_                         [3]uint32
}

type extentMap struct {
	start, length uint64
	flags, mapped uint32
	count         uint32
	_             uint32
	extents       [extentsAsked]extent
}

// exclusive is the number of bytes that a file shares with no other one.
func exclusive(f *os.File) (total int64, err error) {
	err = eachExtent(f, func(e extent) {
		if e.flags&extentShared == 0 {
			total += int64(e.length)
		}
	})
	return total, err
}

// eachExtent calls fn for each piece of a file that has room on the disk.
func eachExtent(f *os.File, fn func(extent)) error {
	m := &extentMap{length: ^uint64(0), flags: fiemapSync, count: extentsAsked}
	for {
		m.mapped = 0
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), fiemapCall, uintptr(unsafe.Pointer(m))); errno != 0 {
			return errno
		}
		for _, e := range m.extents[:m.mapped] {
			fn(e)
			m.start = e.logical + e.length
			if e.flags&extentLast != 0 {
				return nil
			}
		}
		if m.mapped == 0 {
			return nil
		}
		m.length = ^uint64(0) - m.start
	}
}
