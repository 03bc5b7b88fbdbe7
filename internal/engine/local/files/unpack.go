package files

import (
	"errors"
	"fmt"

	"github.com/moby/go-archive"
	"golang.org/x/sys/unix"
)

// unpacking are the options for unpacking archives. They are made before the machine's file system is left: kernels before 6.6 change the mode of what
// may be a link only by way of /proc/self/fd, which is held open for them.
func unpacking(o Order) (*archive.TarOptions, error) {
	opts := &archive.TarOptions{NoOverwriteDirNonDir: o.KeepKinds, InUserNS: true, BestEffortXattrs: true}
	if changesModes() {
		return opts, nil
	}
	held, _, err := archive.WithProcSelfFD(opts) // closed by the end of the process
	if err != nil {
		return nil, fmt.Errorf("preparing to unpack: %w", err)
	}
	return held, nil
}

// changesModes tells whether the kernel can change a file's mode and leave alone what a link leads to (fchmodat2).
func changesModes() bool {
	return !errors.Is(unix.Fchmodat(unix.AT_FDCWD, "", 0, unix.AT_SYMLINK_NOFOLLOW), unix.EOPNOTSUPP)
}
