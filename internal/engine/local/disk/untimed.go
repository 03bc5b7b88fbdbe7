package disk

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls of XFS that open a file by its handle: xfs_fs.h. A file that is opened so keeps its times, whatever is written to it.
const (
	xfsMagic        = 0x58465342
	xfsFdToHandle   = 0xc038586a
	xfsOpenByHandle = 0xc038586b
)

// handleRequest is struct xfs_fsop_handlereq.
type handleRequest struct {
	fd        uint32
	_         uint32
	path      *byte
	flags     uint32
	_         uint32
	in        *byte
	inLength  uint32
	_         uint32
	out       *byte
	outLength *uint32
}

// untimed opens an image once more, so that writing to it does not change the time of its last change. For a loop device that saves
// work: it flushes by fsync, which has to write out a changed time, too. Then each commit of a database waits for a transaction of the
// pool's file system besides its own data. Where it cannot be, the image itself is returned. The result is the caller's to close.
func untimed(image *os.File) (*os.File, error) {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(image.Fd()), &fs); err == nil && fs.Type == xfsMagic {
		if f, err := openUntimed(image); err == nil {
			return f, nil
		}
	}
	fd, err := unix.FcntlInt(image.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s once more: %w", image.Name(), err)
	}
	return os.NewFile(uintptr(fd), image.Name()), nil
}

func openUntimed(image *os.File) (*os.File, error) {
	dir, err := os.Open(filepath.Dir(image.Name())) // says which file system is meant
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	var handle [64]byte
	length := uint32(len(handle))
	_, err = handleCall(dir, xfsFdToHandle, &handleRequest{fd: uint32(image.Fd()), out: &handle[0], outLength: &length})
	if err != nil {
		return nil, fmt.Errorf("get a handle of %s: %w", image.Name(), err)
	}
	// XFS does not close such a file for programs that are started, so that none may be in between.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := handleCall(dir, xfsOpenByHandle, &handleRequest{flags: unix.O_RDWR | unix.O_LARGEFILE, in: &handle[0], inLength: length})
	if err != nil {
		return nil, fmt.Errorf("open %s by its handle: %w", image.Name(), err)
	}
	unix.CloseOnExec(int(fd))
	return os.NewFile(fd, image.Name()), nil
}

func handleCall(dir *os.File, call uintptr, r *handleRequest) (uintptr, error) {
	// What the kernel follows is inside the request, where the collector sees it, and must not move with a growing stack.
	var pin runtime.Pinner
	defer pin.Unpin()
	for _, p := range []any{r, r.in, r.out, r.outLength} {
		pin.Pin(p)
	}
	n, _, errno := unix.Syscall(unix.SYS_IOCTL, dir.Fd(), call, uintptr(unsafe.Pointer(r)))
	if errno != 0 {
		return 0, errno
	}
	return n, nil
}
