package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hypercloud/hyper/test/lab"
)

// TestWalkthrough runs the transcripts side by side on one hyperd: each in an account of its own, which is empty at the end.
func TestWalkthrough(t *testing.T) { scripts(t, newLab(t, "e2ew"), "testdata/script") }

// TestArchives runs those of images and files in archives, in the operator's account of another.
func TestArchives(t *testing.T) { scripts(t, newLab(t, "e2ev"), "testdata/archives") }

func scripts(t *testing.T, l *lab.Lab, dir string) {
	t.Helper()
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", l.Bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			e.Setenv("HYPER_HOST", l.Host())
			e.Setenv("HOME", e.WorkDir)
			root, err := filepath.Abs("../..")
			e.Setenv("ROOT", root)
			return err
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"capture": capture,
			"until":   until,
			"signed":  func(ts *testscript.TestScript, neg bool, args []string) { signed(ts, l, neg, args) },
			"curl":    func(ts *testscript.TestScript, neg bool, args []string) { curl(ts, l, neg, args) },
		},
	})
}

// capture NAME [N] sets a variable to the last command's standard output, trimmed, or to its Nth field (from 1).
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: capture NAME [FIELD]")
	}
	text := strings.TrimSpace(ts.ReadFile("stdout"))
	if len(args) == 2 {
		n, err := strconv.Atoi(args[1])
		f := strings.Fields(text)
		if err != nil || n < 1 || n > len(f) {
			ts.Fatalf("capture: no field %s in %q", args[1], text)
		}
		text = f[n-1]
	}
	ts.Setenv(args[0], text)
}

// until SECONDS TEXT COMMAND... repeats a command until its output (both streams) holds TEXT.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: until SECONDS TEXT COMMAND [ARG...]")
	}
	seconds, err := strconv.Atoi(args[0])
	ts.Check(err)
	deadline := time.Now().Add(time.Duration(seconds) * time.Second)
	for {
		cmd := exec.Command(args[2], args[3:]...)
		if args[2] == "hyper" {
			cmd.Path = filepath.Join(strings.Split(ts.Getenv("PATH"), ":")[0], "hyper")
			cmd.Err = nil
		}
		cmd.Env = append(os.Environ(), "HYPER_HOST="+ts.Getenv("HYPER_HOST"), "HOME="+ts.Getenv("HOME"))
		out, _ := cmd.CombinedOutput()
		if strings.Contains(string(out), args[1]) {
			ts.Logf("%s", out)
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%v did not say %q within %d s; it said:\n%s", args[2:], args[1], seconds, out)
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// curl URL TEXT fetches a page from the lab's machine, following redirects, and wants TEXT in it; "! curl URL" wants no
// connection.
func curl(ts *testscript.TestScript, l *lab.Lab, neg bool, args []string) {
	for try := 0; ; try++ {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		out, err := l.Command(ctx, "curl", "-sSL", "--max-time", "10", args[0]).CombinedOutput()
		cancel()
		switch {
		case neg && err != nil:
			return
		case neg:
			ts.Fatalf("%s answers, and should not:\n%s", args[0], out)
		case err == nil && strings.Contains(string(out), args[1]):
			return
		case try == 10:
			ts.Fatalf("%s: %v, no %q in:\n%s", args[0], err, args[1], out)
		}
		time.Sleep(time.Second)
	}
}
