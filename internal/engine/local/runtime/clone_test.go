package runtime

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/door"
	"github.com/hypercloud/hyper/test/fixtures/sources"
)

// world is all that can be connected with: a web server and git's daemon, with the same repositories.
func world(t *testing.T) door.Dialer {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "hrt-git-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := sources.Make(dir); err != nil {
		t.Fatal(err)
	}
	handler, err := sources.Web(dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "web"))
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: handler}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		switch address {
		case "web.example:80":
			return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(dir, "web"))
		case "git.example:9418", "git.example:1234":
			return gitDaemon(t, dir)
		}
		return nil, fmt.Errorf("dial %s %s: it is not asked from here", network, address)
	}
}

// gitDaemon is a connection with git's daemon.
func gitDaemon(t *testing.T, dir string) (net.Conn, error) {
	t.Helper()
	l, err := net.Listen("unix", "@"+newID())
	if err != nil {
		return nil, err
	}
	defer l.Close()
	near, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		return nil, err
	}
	far, err := l.Accept()
	if err != nil {
		return nil, err
	}
	f, err := far.(*net.UnixConn).File()
	if err != nil {
		return nil, err
	}
	_ = far.Close()
	cmd := exec.CommandContext(t.Context(), "git", "-c", "safe.directory=*", "daemon", "--inetd", "--export-all", "--base-path="+dir, dir)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*")
	cmd.Stdin, cmd.Stdout = f, f
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	_ = f.Close()
	go func() { _ = cmd.Wait() }()
	return near, nil
}

// connectBy makes this the world of clones until the test ends.
func connectBy(t *testing.T, dial door.Dialer) {
	t.Helper()
	shared.Dial = dial
	t.Cleanup(func() { shared.Dial = nil })
}

// cloned clones a repository into a fresh volume.
func cloned(t *testing.T, dial door.Dialer, url, branch string) (dir string, err error) {
	t.Helper()
	a, dir := emptyVolume(t)
	connectBy(t, dial)
	_, err = shared.FillDirectory(t.Context(), a, dir, engine.FillSource{Git: &engine.GitSource{URL: url, Branch: branch}})
	return dir, err
}

func TestClone(t *testing.T) {
	dial := world(t)
	for url, branches := range map[string]map[string]string{
		"http://web.example/good.git":     {"": "hello from main\n", "feature/one": "hello from a feature\n"},
		"git://git.example/good.git":      {"": "hello from main\n", "other": "hello from elsewhere\n"},
		"git://git.example:1234/good.git": {"main": "hello from main\n"},
	} {
		for branch, want := range branches {
			dir, err := cloned(t, dial, url, branch)
			if err != nil {
				t.Errorf("%s %q: %v", url, branch, err)
				continue
			}
			if raw, err := os.ReadFile(filepath.Join(dir, "README")); err != nil || string(raw) != want {
				t.Errorf("%s %q: README holds %q, %v", url, branch, raw, err)
			}
			if want != "hello from main\n" {
				continue
			}
			var got []string
			for _, line := range inventory(t, dir) {
				if !strings.HasPrefix(line, ".git ") && !strings.HasPrefix(line, ".git/") && !strings.HasPrefix(line, ".gitmodules") {
					got = append(got, line)
				}
			}
			list := []string{
				". drwxr-xr-x 0:0", "README -rw-r--r-- 0:0 hello from main\n", "dir drwxr-xr-x 0:0", "dir/file -rw-r--r-- 0:0 deep\n",
				"link Lrwxrwxrwx 0:0 /etc/passwd", "m drwxr-xr-x 0:0", "program -rwxr-xr-x 0:0 #!/bin/sh\necho run\n",
			}
			if !slices.Equal(got, list) {
				t.Errorf("%s %q: the volume holds\n%q\nwant\n%q", url, branch, got, list)
			}
			// It is a repository like any other.
			cmd := exec.Command("git", "-c", "safe.directory=*", "-C", dir, "status", "--porcelain", "--branch")
			cmd.Env = append(os.Environ(), "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*")
			if out, err := cmd.CombinedOutput(); err != nil || string(out) != "## main...origin/main\n" {
				t.Errorf("%s %q: git says %q, %v", url, branch, out, err)
			}
		}
	}
}

func TestCloneOfWhatCannotBe(t *testing.T) {
	dial := world(t)
	for what, c := range map[string]struct{ url, branch, says string }{
		"an unknown branch":              {"http://web.example/good.git", "nosuch", `has no branch "nosuch"`},
		"an unknown branch of a daemon":  {"git://git.example/good.git", "nosuch", `has no branch "nosuch"`},
		"an empty one":                   {"http://web.example/empty.git", "", "the repository is empty"},
		"an empty one of a daemon":       {"git://git.example/empty.git", "", "the repository is empty"},
		"none":                           {"http://web.example/nosuch.git", "", "no such repository"},
		"none of a daemon":               {"git://git.example/nosuch.git", "", "no such repository"},
		"no repository":                  {"http://web.example/a.conf", "", ""},
		"a refusal":                      {"http://web.example/status/500", "", "500"},
		"a redirect to loopback":         {"http://web.example/to?url=http://127.0.0.1:80/x&", "", "not asked from here"},
		"an address that is not asked":   {"http://127.0.0.1:2375/good.git", "", "127.0.0.1:2375: it is not asked from here"},
		"a daemon that is not asked":     {"git://169.254.169.254/good.git", "", "169.254.169.254:9418: it is not asked from here"},
		"a file":                         {"file:///etc/passwd", "", "unsupported scheme"},
		"a path":                         {"/etc", "", "unsupported scheme"},
		"another way":                    {"ssh://git.example/good.git", "", "unsupported scheme"},
		"a way that is a program":        {"ext::sh -c true", "", ""},
		"a tree that leads up":           {"http://web.example/up.git", "", ""},
		"a tree that leads into its own": {"http://web.example/hook.git", "", ""},
	} {
		t.Run(what, func(t *testing.T) {
			dir, err := cloned(t, dial, c.url, c.branch)
			if err == nil || !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), c.says) || strings.ContainsAny(err.Error(), "\n\x00") {
				t.Errorf("error is %v", err)
			}
			for _, name := range []string{filepath.Join(filepath.Dir(dir), "up"), filepath.Join(dir, "up"), filepath.Join(dir, ".git/hooks/post-checkout")} {
				if _, err := os.Lstat(name); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s is there", name)
				}
			}
			t.Log(err)
		})
	}
}

// 64 MB of zeroes are some kilobytes on the way, and more than the volume holds.
func TestCloneOfTooMuch(t *testing.T) {
	if _, err := cloned(t, world(t), "http://web.example/large.git", ""); !errdefs.IsResourceExhausted(err) || !strings.Contains(err.Error(), "does not fit") {
		t.Errorf("error is %v", err)
	}
}

// Nor may it take all of the machine's memory.
func TestCloneOfTooMuchMemory(t *testing.T) {
	shared.memory = 112 << 20
	t.Cleanup(func() { shared.memory = cloneMemory })
	dial := world(t)
	if _, err := cloned(t, dial, "http://web.example/good.git", ""); err != nil {
		t.Errorf("a small one: %v", err)
	}
	connectBy(t, dial)
	a, id := accountNumber(t, 0), newID()
	dir, err := volumes.BeginFill(t.Context(), a, id, 256<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = volumes.DropFill(context.Background(), a, id) })
	_, err = shared.FillDirectory(t.Context(), a, dir, engine.FillSource{Git: &engine.GitSource{URL: "http://web.example/large.git"}})
	if !errdefs.IsResourceExhausted(err) || !strings.Contains(err.Error(), "too much memory") {
		t.Errorf("a large one: %v", err)
	}
}

// A clone whose server says nothing lasts as long as the patience of who asked.
func TestCloneIsStopped(t *testing.T) {
	waiting := make(chan struct{})
	ctx, cancel := context.WithCancelCause(t.Context())
	a, dir := emptyVolume(t)
	connectBy(t, func(ctx context.Context, _, _ string) (net.Conn, error) {
		close(waiting)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	go func() {
		<-waiting
		cancel(errdefs.ErrAborted)
	}()
	_, err := shared.FillDirectory(ctx, a, dir, engine.FillSource{Git: &engine.GitSource{URL: "http://web.example/good.git"}})
	if !errors.Is(err, errdefs.ErrAborted) {
		t.Errorf("error is %v", err)
	}
}
