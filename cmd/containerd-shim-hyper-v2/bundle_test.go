package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRemoveBundle(t *testing.T) {
	top := t.TempDir()
	dir, work, other := filepath.Join(top, "bundle"), filepath.Join(top, "work"), filepath.Join(top, "other")
	for _, d := range []string{dir, work, other, filepath.Join(dir, "rootfs")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{filepath.Join(dir, "config.json"), filepath.Join(work, "log"), filepath.Join(other, "kept")} {
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"work": work, "further": other} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	socket := filepath.Join(top, "socket")
	for name, content := range map[string]string{socket: "", filepath.Join(dir, "bootstrap.json"): `{"version":3,"address":"unix://` + socket + `"}`} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept := filepath.Join(dir, "rootfs", "data")
	if err := os.WriteFile(kept, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	removeBundle(dir)
	for path, there := range map[string]bool{
		kept: true, work: false, socket: false, filepath.Join(dir, "config.json"): false, filepath.Join(other, "kept"): true,
	} {
		if _, err := os.Lstat(path); (err == nil) != there {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := os.Remove(kept); err != nil {
		t.Fatal(err)
	}
	removeBundle(dir)
	if _, err := os.Lstat(dir); !os.IsNotExist(err) {
		t.Errorf("the bundle is still there: %v", err)
	}
}
