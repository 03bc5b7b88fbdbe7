package clouds

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/types"
)

const shared = `{"auths": {"old.example": {"auth": "dXNlcjpwYXNz"}}, "psFormat": "x", "clouds": {"tcp://h:1": {"accesskey": "A"}}, "ours": 1}`

func keys(t *testing.T, path string) map[string]json.RawMessage {
	t.Helper()
	k, err := readKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// docker/cli writes the file from what it knows of it.
func TestALoginKeepsTheClouds(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.json")
	if err := os.WriteFile(path, []byte(shared), 0o600); err != nil {
		t.Fatal(err)
	}
	login := func() error {
		c, err := config.Load(dir)
		if err != nil {
			return err
		}
		delete(c.AuthConfigs, "old.example")
		c.AuthConfigs["new.example"] = types.AuthConfig{Username: "u", Password: "p"}
		c.PsFormat = ""
		if err := c.Save(); err != nil {
			return err
		}
		if keys(t, path)["clouds"] != nil {
			t.Error("the library keeps the clouds by itself: this package need not")
		}
		return errors.New("its own error")
	}
	if err := Keep(dir, login); err == nil || err.Error() != "its own error" {
		t.Errorf("got %v", err)
	}
	after := keys(t, path)
	if after["clouds"] == nil || string(after["ours"]) != "1" {
		t.Errorf("lost: %s", after)
	}
	if strings.Contains(string(after["auths"]), "old.example") || after["psFormat"] != nil {
		t.Errorf("what the library took away came back: %s", after)
	}
	f, err := Load(dir)
	if err != nil || f.Clouds["tcp://h:1"].AccessKey != "A" {
		t.Errorf("the clouds are %v, %v", f.Clouds, err)
	}
}

func TestSavingFollowsALinkAndClosesTheFile(t *testing.T) {
	dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "dotfiles.json")
	if err := os.WriteFile(elsewhere, []byte(shared), 0o644); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "config.json")
	if err := os.Symlink(elsewhere, link); err != nil {
		t.Fatal(err)
	}
	f, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	f.Clouds["tcp://new:1"] = &Entry{AccessKey: "N", SecretKey: "n", Region: "r"}
	if err := f.Save(); err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(link); err != nil || target != elsewhere {
		t.Errorf("the link is %q, %v", target, err)
	}
	if info, err := os.Stat(elsewhere); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	again, err := Load(dir)
	if err != nil || len(again.Clouds) != 2 || again.Clouds["tcp://new:1"].SecretKey != "n" {
		t.Errorf("saved %v, %v", again.Clouds, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(elsewhere), ".config-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
