// Package boottime tells time by the machine's count since it was started. The count goes on while the machine is suspended, is the same for
// all processes, and is not moved when somebody sets the clock: the difference of two readings is how long it took. It begins anew at each
// boot, so a reading that is kept means something only with the [ID] of the boot.
package boottime

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// idFile is where the kernel tells the boot's id.
const idFile = "/proc/sys/kernel/random/boot_id"

// Now is the time since the machine was started, suspension included, in nanoseconds. It is more than 0.
func Now() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		panic("the kernel has no CLOCK_BOOTTIME: " + err.Error()) // every Linux since 2.6.39 has
	}
	return time.Duration(t.Nano())
}

// ID names this boot of the machine: a UUID in lower case, another one after each start. It fails where /proc is not mounted.
func ID() (string, error) {
	raw, err := os.ReadFile(idFile)
	if err != nil {
		return "", fmt.Errorf("reading which boot of the machine this is: %w", err)
	}
	id := strings.TrimSpace(string(raw))
	if id == "" {
		return "", fmt.Errorf("reading which boot of the machine this is: %s is empty", idFile)
	}
	return id, nil
}

// Note writes a reading down for another process. What is noted is a link at path that leads to the number of nanoseconds: one call to the
// kernel makes all of it, so that nobody finds half a note. The error is fs.ErrExist when something is at path; that stays.
func Note(path string, at time.Duration) error {
	return os.Symlink(strconv.FormatInt(int64(at), 10), path)
}

// Noted reads what Note wrote. It is 0 when there is no note, or what is there is none.
func Noted(path string) time.Duration {
	target, err := os.Readlink(path)
	if err != nil {
		return 0
	}
	at, err := strconv.ParseInt(target, 10, 64)
	if err != nil || at < 0 {
		return 0
	}
	return time.Duration(at)
}
