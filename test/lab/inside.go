package lab

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Inside runs fn in the lab's mount namespace. What it mounts goes away with the lab.
func (l *Lab) Inside(fn func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the thread is in the lab for good, and ends with this goroutine
		done <- func() error {
			ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/mnt", l.holder.Process.Pid))
			if err != nil {
				return err
			}
			defer ns.Close()
			// Threads of a program share one root and one working directory, and whoever shares them cannot leave.
			if err := unix.Unshare(unix.CLONE_FS); err != nil {
				return err
			}
			if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNS); err != nil {
				return err
			}
			return fn()
		}()
	}()
	return <-done
}
