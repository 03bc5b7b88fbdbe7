// Package diskroom keeps the machine's disk from being filled by what strangers send.
package diskroom

import (
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/oops"
)

const (
	headroom = 2 << 30  // bytes that stay free on the disk
	look     = 64 << 20 // after how many bytes the disk is looked at again
)

// ErrNoRoom is the end of a body that would fill the machine's disk.
var ErrNoRoom = oops.Exhausted("the machine's disk is full")

// WhileRoom reads r while the disk of a directory has room; "" is any.
func WhileRoom(r io.Reader, dir string) io.Reader { return &roomy{r: r, dir: dir} }

type roomy struct {
	r    io.Reader
	dir  string
	left int // until the disk is looked at again
}

func (r *roomy) Read(p []byte) (int, error) {
	if r.left <= 0 && r.dir != "" {
		var st unix.Statfs_t
		if err := unix.Statfs(r.dir, &st); err != nil {
			return 0, fmt.Errorf("looking at the machine's disk: %w", err)
		}
		if int64(st.Bavail)*st.Bsize < headroom {
			return 0, ErrNoRoom
		}
		r.left = look
	}
	n, err := r.r.Read(p)
	r.left -= n
	return n, err
}
