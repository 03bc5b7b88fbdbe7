package e2e

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/test/fixtures/sources"
	"github.com/hypercloud/hyper/test/lab"
)

// sourcesEnv names the directory of the repositories to the part of this test that serves them inside a lab.
const sourcesEnv = "HYPER_E2E_SOURCES"

// serveSources serves what volumes are filled from, in a lab's network.
func serveSources(dir string) error {
	handler, err := sources.Web(dir)
	if err != nil {
		return err
	}
	failed := make(chan error)
	for _, addr := range []string{"127.0.0.1:8000", "127.0.0.1:80"} {
		go func() {
			failed <- (&http.Server{Addr: addr, Handler: handler, ReadHeaderTimeout: time.Minute}).ListenAndServe()
		}()
	}
	return <-failed
}

// withSources is a lab whose hyperd may ask loopback for files and repositories, which are there at the ports 8000 and 80, and by git's daemon.
func withSources(t *testing.T, instance string) *lab.Lab {
	t.Helper()
	l := newLab(t, instance, allowLoopback...)
	dir := filepath.Join(l.Dir, "sources")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := sources.Make(dir); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	settings := []string{"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*", sourcesEnv + "=" + dir}
	for _, args := range [][]string{{exe}, {"git", "daemon", "--export-all", "--listen=127.0.0.1", "--reuseaddr", "--base-path=" + dir, dir}} {
		cmd := l.Command(context.Background(), args[0], args[1:]...)
		cmd.Env = append(os.Environ(), settings...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		go func() { _ = cmd.Wait() }() // it ends with the lab
	}
	eventually(t, "the sources are served", func() string {
		if out, err := l.Command(t.Context(), "curl", "-fsS", "http://127.0.0.1:8000/a.conf").CombinedOutput(); err != nil {
			return string(out)
		}
		if out, err := l.Command(t.Context(), "git", "ls-remote", "git://127.0.0.1/good.git").CombinedOutput(); err != nil {
			return string(out)
		}
		return ""
	})
	return l
}

var allowLoopback = []string{"--fetch-allow", "127.0.0.1/32"}

// TestSources runs the transcript of volumes that are filled.
func TestSources(t *testing.T) { scripts(t, withSources(t, "e2es"), "testdata/sources") }

// TestKilledWhileFilling ends hyperd while volumes are filled, at each step. After the restart a volume is as it was, or filled.
func TestKilledWhileFilling(t *testing.T) {
	l := withSources(t, "e2ey")
	hyper(t, l, "run", "--rm", "busybox", "true") // whatever is made once is made now
	before := inventory(t, l)
	site := filepath.Join(l.Dir, "site")
	if err := os.MkdirAll(site, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(site, "a.conf"), []byte("setting=1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const (
		file = "http://127.0.0.1:8000/a.conf"
		repo = "git://127.0.0.1/good.git:feature/one"
	)
	for _, tc := range []struct {
		point, source string
		filled        bool
	}{
		{"volume.fill.after-intent", file, false},
		{"fill.create.after-file", file, false},
		{"fill.attach.after-loop", file, false},
		{"fill.attach.after-mount", site, false},
		{"fill.after-begin", repo, false},
		{"fill.after-begin", site, false},
		{"fill.after-write", site, false},
		{"fill.detach.after-umount", repo, false},
		{"volume.fill.after-fetch", repo, false},
		{"volume.fill.after-upload", site, false},
		{"volume.fill.after-whole", file, true},
		{"volume.fill.after-whole", site, true},
		{"volume.fill.after-rename", repo, true},
		{"volume.fill.after-take", file, true},
	} {
		t.Run(tc.point+" of "+tc.source, func(t *testing.T) {
			hyper(t, l, "volume", "create", "--name", "v1")
			arm(t, l, "HYPER_FAILPOINT="+tc.point)
			out, errOut, code := l.Hyper("volume", "init", tc.source+":v1")
			if err := l.WaitDown(); err != nil {
				t.Fatalf("exit %d, %s%s: the point was not reached", code, out, errOut)
			}
			arm(t, l)
			_, errOut, code = l.Hyper("volume", "init", tc.source+":v1")
			if (code == 0) == tc.filled || tc.filled && !strings.Contains(errOut, "initialised before") {
				t.Errorf("initialising it afterwards: exit %d, %s", code, errOut)
			}
			target, want := "/v/a.conf", "setting=1\n"
			switch tc.source {
			case file:
				hyper(t, l, "run", "--rm", "-v", "v1:/v.conf", "busybox", "test", "-f", "/v.conf")
				target = ""
			case repo:
				target, want = "/v/README", "hello from a feature\n"
			}
			if target != "" {
				if out := hyper(t, l, "run", "--rm", "-v", "v1:/v", "busybox", "cat", target); out != want {
					t.Errorf("the volume holds %q, want %q", out, want)
				}
			}
			hyper(t, l, "volume", "rm", "v1")
			wantInventory(t, l, before)
		})
	}
	// A hyperd that is killed while something is on its way, and a client that goes.
	for what, kill := range map[string]func(client *exec.Cmd) error{
		"hyperd": func(*exec.Cmd) error { return l.Kill() },
		"client": func(client *exec.Cmd) error { return client.Process.Kill() },
	} {
		hyper(t, l, "volume", "create", "--name", "v1")
		client := exec.Command(filepath.Join(l.Bin, "hyper"), "volume", "init", "http://127.0.0.1:8000/drip:v1")
		client.Env = append(os.Environ(), "HYPER_HOST="+l.Host(), "HOME="+l.Dir)
		if err := client.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the filling begins", func() string {
			if files, _ := filepath.Glob(filepath.Join(l.Dir, "data/volumes/*/*.img.fill")); len(files) == 1 {
				return ""
			}
			out, _ := l.Command(t.Context(), "sh", "-c", "ls "+filepath.Join(l.Dir, "data/volumes")+"; losetup -a; grep fill /proc/mounts").CombinedOutput()
			if strings.Contains(string(out), ".fill") {
				return ""
			}
			return string(out)
		})
		if err := kill(client); err != nil {
			t.Fatal(err)
		}
		_ = client.Wait()
		if what == "hyperd" {
			arm(t, l)
		}
		eventually(t, "the volume is free after the death of the "+what, func() string {
			_, errOut, code := l.Hyper("volume", "init", file+":v1")
			if code != 0 {
				return errOut
			}
			return ""
		})
		hyper(t, l, "volume", "rm", "v1")
		wantInventory(t, l, before)
	}
}

// arm ends hyperd, if it runs, and starts it again with env.
func arm(t *testing.T, l *lab.Lab, env ...string) {
	t.Helper()
	if err := l.Stop(); err != nil {
		t.Fatal(err)
	}
	l.Env = env
	if err := l.Start(allowLoopback...); err != nil {
		t.Fatal(err)
	}
	l.Env = nil
}
