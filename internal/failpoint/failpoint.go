// Package failpoint lets a test end hyperd at a named instruction.
//
// The points are compiled in always and cost one atomic load. They are armed only by
// the environment variable HYPER_FAILPOINT, read once at start: "NAME" ends the process
// by SIGKILL the first time that Hit(NAME) is reached, "NAME=N" the N-th time.
package failpoint

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

type point struct {
	name string
	left atomic.Int64
}

var armed = parse(os.Getenv("HYPER_FAILPOINT"))

func parse(s string) *point {
	if s == "" {
		return nil
	}
	p := &point{name: s}
	p.left.Store(1)
	if name, n, ok := strings.Cut(s, "="); ok {
		if v, err := strconv.ParseInt(n, 10, 64); err == nil && v > 0 {
			p.name = name
			p.left.Store(v)
		}
	}
	return p
}

// Hit ends the process by SIGKILL if the point of that name is armed and its turn has come.
func Hit(name string) {
	if armed == nil || armed.name != name || armed.left.Add(-1) != 0 {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
