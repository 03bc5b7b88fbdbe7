package main

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/containerd/containerd/v2/pkg/shim"
)

// removeBundle removes a task's directory, the one that its link names, and the shim's socket, whose address containerd has written there.
// It goes into no directory below them: what is mounted there, or is not empty, stays for containerd to find.
func removeBundle(dir string) {
	var at struct{ Address string }
	if raw, err := os.ReadFile(filepath.Join(dir, "bootstrap.json")); err == nil && json.Unmarshal(raw, &at) == nil {
		_ = shim.RemoveSocket(at.Address)
	}
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
