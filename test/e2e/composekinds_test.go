package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestComposeKinds runs kinds of projects that people have, by docker compose as they have it. Each transcript is a project, or several.
func TestComposeKinds(t *testing.T) {
	l := newLab(t, "e2eck")
	hyper(t, l, "admin", "account", "quota", "default", "containers=60")
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/composekinds",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", l.Bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			e.Setenv("DOCKER_HOST", l.Host())
			e.Setenv("HYPER_HOST", l.Host())
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("DOCKER_CONFIG", filepath.Join(e.WorkDir, ".docker"))
			return installCompose(e.WorkDir)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"capture": capture,
			"inside":  func(ts *testscript.TestScript, neg bool, args []string) { inside(ts, l, neg, args) },
			"retry":   retry,
		},
	})
}

// retry SECONDS COMMAND... repeats a command until it succeeds.
func retry(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: retry SECONDS COMMAND [ARG...]")
	}
	seconds, err := strconv.Atoi(args[0])
	ts.Check(err)
	for end := time.Now().Add(time.Duration(seconds) * time.Second); ; time.Sleep(200 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%v: %v after %d s\n%s%s", args[1:], err, seconds, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
		}
	}
}
