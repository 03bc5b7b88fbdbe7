package main

import (
	"os"
	"path/filepath"
)

// removeBundle removes a task's directory and the one that its link names. It goes into no directory below them: what is
// mounted there, or is not empty, stays for containerd to find.
func removeBundle(dir string) {
	work, err := os.Readlink(filepath.Join(dir, "work"))
	if err == nil && filepath.IsAbs(work) {
		removeFlat(work)
	}
	removeFlat(dir)
}

func removeFlat(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		_ = os.Remove(filepath.Join(dir, e.Name()))
	}
	_ = os.Remove(dir)
}
