package files

import (
	"fmt"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// Bound keeps the process from taking more memory than that, in bytes, and from anything else that its work does not need. What needs more ends.
func Bound(memory uint64) error {
	debug.SetMemoryLimit(int64(memory / 8 * 5)) // from there on it tidies up
	for what, most := range map[int]uint64{unix.RLIMIT_DATA: memory, unix.RLIMIT_CORE: 0, unix.RLIMIT_NOFILE: 512} {
		if err := unix.Setrlimit(what, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return fmt.Errorf("setting a limit: %w", err)
		}
	}
	return nil
}
