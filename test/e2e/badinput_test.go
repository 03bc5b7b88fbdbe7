package e2e

import (
	"strings"
	"sync"
	"testing"
)

// TestBadInput gives hyperd what it cannot do. Each gets a sentence and an exit code, and leaves nothing behind.
func TestBadInput(t *testing.T) {
	l := newLab(t, "e2eb")
	hyper(t, l, "pull", "busybox")
	hyper(t, l, "run", "-d", "--name", "taken", "-v", "held:/v", "busybox", "sleep", "100000")
	hyper(t, l, "create", "--name", "stopped", "busybox", "true")
	hyper(t, l, "run", "--rm", "busybox", "true")
	before := inventory(t, l)
	badEnv := writeFile(t, l, "bad.env", "=nothing\n")

	for _, tc := range []struct {
		name string
		args []string
		code int
		text string
	}{
		{"unknown image", []string{"run", "nosuchimage"}, 125, "not found"},
		{"unknown tag", []string{"run", "busybox:nosuchtag"}, 125, "not found"},
		{"bad image name", []string{"run", "Bad Image"}, 125, "invalid reference format"},
		{"reserved image", []string{"pull", "scratch"}, 1, "'scratch' is a reserved name"},
		{"command does not exist", []string{"run", "--rm", "busybox", "/no/such/thing"}, 127, "/no/such/thing"},
		{"command not in path", []string{"run", "--rm", "busybox", "nosuchthing"}, 127, "nosuchthing"},
		{"command may not run", []string{"run", "--rm", "busybox", "/etc/passwd"}, 126, "permission denied"},
		{"command is a directory", []string{"run", "--rm", "busybox", "/etc"}, 126, "/etc"},
		{"bad name", []string{"run", "--name", "a b", "busybox"}, 125, "is invalid, should be"},
		{"long name", []string{"run", "--name", strings.Repeat("x", 49), "busybox"}, 125, "at most 48"},
		{"name taken", []string{"run", "--name", "taken", "busybox"}, 125, "is already in use"},
		{"bad size", []string{"run", "--size", "xxl", "busybox"}, 125, "size \"xxl\" does not exist"},
		{"bad port", []string{"run", "-p", "99999:80", "busybox"}, 125, ""},
		{"reversed ports", []string{"run", "-p", "9090-9089:80", "busybox"}, 125, ""},
		{"bad env file", []string{"run", "--env-file", badEnv, "busybox"}, 125, ""},
		{"missing env file", []string{"run", "--env-file", "/no/such", "busybox"}, 125, "no such file"},
		{"unknown link", []string{"run", "--link", "nosuch:x", "busybox"}, 125, "No such container: nosuch"},
		{"link to a stopped one", []string{"run", "--link", "stopped:x", "--name", "linked", "busybox"}, 125, "Cannot link to a non running container"},
		{"bad volume name", []string{"run", "-v", "a*b:/x", "busybox"}, 125, ""},
		{"bad mode", []string{"run", "-v", "vv:/x:zz", "busybox"}, 125, "nvalid"},
		{"volume in use", []string{"run", "-v", "held:/x", "busybox"}, 125, "attached"},
		{"too many volumes", []string{"run", "-v", "/1", "-v", "/2", "-v", "/3", "-v", "/4", "-v", "/5", "busybox"}, 125, "at most 4"},
		{"mount over a file", []string{"run", "--rm", "-v", "/etc/passwd", "busybox", "true"}, 125, "passwd"},
		{"privileged", []string{"run", "--privileged", "busybox"}, 125, "privileged"},
		{"volume size", []string{"volume", "create", "--size", "15", "--name", "odd"}, 1, "10"},
		{"volume too large", []string{"volume", "create", "--size", "60", "--name", "big"}, 1, "50"},
		{"volume name taken", []string{"volume", "create", "--name", "held"}, 1, "already exists"},
		{"volume rm attached", []string{"volume", "rm", "held"}, 1, "in use"},
		{"volume rm unknown", []string{"volume", "rm", "nosuch"}, 1, "nosuch"},
		{"rm running", []string{"rm", "taken"}, 1, "You cannot remove a running container"},
		{"rm unknown", []string{"rm", "nosuch"}, 1, "No such container"},
		{"kill stopped", []string{"kill", "stopped"}, 1, "is not running"},
		{"bad signal", []string{"kill", "-s", "NOSUCH", "taken"}, 1, "nvalid signal"},
		{"rename to bad", []string{"rename", "taken", "new:invalid"}, 1, "new:invalid is invalid, should be"},
		{"exec in stopped", []string{"exec", "stopped", "true"}, 1, "is not running"},
		{"exec unknown program", []string{"exec", "taken", "nosuchthing"}, 127, "nosuchthing"},
		{"rmi in use", []string{"rmi", "busybox"}, 1, "is using it"},
		{"fip attach unknown", []string{"fip", "attach", "198.18.0.77", "taken"}, 1, ""},
		{"fip release unknown", []string{"fip", "release", "198.18.0.77"}, 1, ""},
		{"fip detach none", []string{"fip", "detach", "taken"}, 1, ""},
		{"ps bad status", []string{"ps", "--filter", "status=odd"}, 1, "Unrecognised filter value for status"},
		{"unknown command", []string{"frobnicate"}, 1, "is not a hyper command"},
		{"restart policy (cli 3.1: refused before anything is sent)", []string{"run", "--restart", "sometimes", "busybox"}, 1, "nvalid restart policy"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, errOut, code := l.Hyper(tc.args...)
			if code != tc.code || !strings.Contains(out+errOut, tc.text) || strings.TrimSpace(errOut) == "" {
				t.Errorf("hyper %v: exit %d, want %d and %q:\n%s%s", tc.args, code, tc.code, tc.text, out, errOut)
			}
			for _, name := range strings.Fields(hyper(t, l, "ps", "-aq")) {
				n := strings.TrimSpace(hyper(t, l, "inspect", "-f", "{{.Name}}", name))
				// What was created but could not be started is there, as with Docker; it goes by the user's word.
				if n != "/taken" && n != "/stopped" {
					hyper(t, l, "rm", "-fv", name)
				}
			}
			wantInventory(t, l, before)
		})
	}

	t.Run("two creates of one name", func(t *testing.T) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		made := 0
		for range 8 {
			wg.Go(func() {
				if _, _, code := l.Hyper("create", "--name", "race", "-v", "/d", "busybox"); code == 0 {
					mu.Lock()
					made++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if made != 1 {
			t.Errorf("%d creates of one name succeeded", made)
		}
		hyper(t, l, "rm", "-fv", "race")
		wantInventory(t, l, before)
	})

	t.Run("removal during start", func(t *testing.T) {
		for range 5 {
			hyper(t, l, "create", "--name", "fleeting", "-v", "/d", "busybox", "sleep", "1000")
			var wg sync.WaitGroup
			wg.Go(func() { _, _, _ = l.Hyper("start", "fleeting") })
			wg.Go(func() { _, _, _ = l.Hyper("rm", "-fv", "fleeting") })
			wg.Wait()
			_, _, _ = l.Hyper("rm", "-fv", "fleeting")
		}
		wantInventory(t, l, before)
	})
}
