package network

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	goruntime "runtime"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// isNamespace tells whether a namespace is bound to path.
func isNamespace(path string) bool {
	var st unix.Statfs_t
	return unix.Statfs(path, &st) == nil && st.Type == unix.NSFS_MAGIC
}

// openNamespace opens the network namespace that is bound to path, or makes one and binds it.
func openNamespace(path string) (ns netns.NsHandle, made bool, err error) {
	if !isNamespace(path) {
		if err := makeNamespace(path); err != nil {
			return -1, false, err
		}
		made = true
	}
	ns, err = netns.GetFromPath(path)
	return ns, made, err
}

func makeNamespace(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return err
	}
	f.Close()
	done := make(chan error, 1)
	go func() {
		// The thread changes its namespace for good and ends with this goroutine, which never unlocks it.
		goruntime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("making a network namespace: %w", err)
			return
		}
		done <- unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, "")
	}()
	return <-done
}

// removeNamespace lets the kernel end the namespace that is bound to path. Absent is no error.
func removeNamespace(path string) error {
	for unix.Unmount(path, unix.MNT_DETACH) == nil { // as often as it is mounted
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// within runs fn on a thread that is in the namespace. Sockets and processes that fn makes itself are in it too;
// those of goroutines that it starts are not.
func within(ns netns.NsHandle, fn func() error) error {
	done := make(chan error, 1)
	go func() {
		goruntime.LockOSThread()
		own, err := netns.Get()
		if err != nil {
			goruntime.UnlockOSThread()
			done <- err
			return
		}
		defer own.Close()
		if err := netns.Set(ns); err != nil {
			goruntime.UnlockOSThread()
			done <- err
			return
		}
		err = fn()
		if netns.Set(own) == nil {
			goruntime.UnlockOSThread() // else the thread ends with the goroutine
		}
		done <- err
	}()
	return <-done
}

// aside runs fn on a thread in a new network namespace with nothing in it, which ends with fn.
func aside(fn func() error) error {
	done := make(chan error, 1)
	go func() {
		goruntime.LockOSThread() // the thread ends with the goroutine, and takes the namespace along
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("making a network namespace: %w", err)
			return
		}
		done <- fn()
	}()
	return <-done
}
