package network

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	goruntime "runtime"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// nsfs is the magic number of the file system of namespaces.
const nsfs = 0x6e736673

// openNamespace opens the network namespace that is bound to path, or makes one and binds it.
func openNamespace(path string) (netns.NsHandle, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err == nil && st.Type == nsfs {
		return netns.GetFromPath(path)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return -1, err
	}
	f.Close()
	done := make(chan error, 1)
	go func() {
		// The thread changes its namespace for good and ends with this goroutine, which never unlocks it.
		goruntime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("making a namespace: %w", err)
			return
		}
		done <- unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, "")
	}()
	if err := <-done; err != nil {
		return -1, err
	}
	return netns.GetFromPath(path)
}

func removeNamespace(path string) error {
	for unix.Unmount(path, unix.MNT_DETACH) == nil { // as often as it is mounted
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

// within runs fn on a thread that is in the namespace.
func within(ns netns.NsHandle, fn func() error) error {
	done := make(chan error, 1)
	go func() {
		goruntime.LockOSThread()
		own, err := netns.Get()
		if err != nil {
			done <- err
			return
		}
		defer own.Close()
		if err := netns.Set(ns); err != nil {
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

// applyRules hands a text to nft, which takes it whole or not at all.
func applyRules(text string) error {
	cmd := exec.Command("nft", "-f", "-")
	cmd.Stdin = bytes.NewReader([]byte(text))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}
