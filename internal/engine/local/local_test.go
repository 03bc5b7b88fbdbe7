package local

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOSName(t *testing.T) {
	for name, tc := range map[string]struct{ file, want string }{
		"quoted":  {"NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n", "Debian GNU/Linux 12 (bookworm)"},
		"bare":    {"PRETTY_NAME=Alpine\n", "Alpine"},
		"nothing": {"ID=x\n", "Linux"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "os-release")
			if err := os.WriteFile(file, []byte(tc.file), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := osName(file); got != tc.want {
				t.Errorf("%q", got)
			}
		})
	}
	if got := osName("/does/not/exist"); got != "Linux" {
		t.Errorf("without a file: %q", got)
	}
}

func TestFacts(t *testing.T) {
	i := facts("/nowhere", "2.4.2")()
	if i.NCPU < 1 || i.MemTotal < 1<<20 || i.KernelVersion == "" || i.Architecture == "" || i.ContainerdVer != "2.4.2" || i.RuncVer != "" {
		t.Errorf("%+v", i)
	}
}

func TestNewNeedsItsPrograms(t *testing.T) {
	if _, err := New(t.Context(), Config{DataRoot: t.TempDir(), RunDir: t.TempDir(), Libexec: t.TempDir()}); err == nil {
		t.Error("there are none")
	}
}
