package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hypercloud/hyper/test/lab"
)

// TestDoctor breaks a machine and has it mended.
func TestDoctor(t *testing.T) {
	l := newLab(t, "e2ed", "--host", "tcp://127.0.0.1:6443")
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/doctor",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", l.Bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			e.Setenv("HYPER_HOST", l.Host())
			e.Setenv("SERVER", "tcp://127.0.0.1:6443")
			e.Setenv("RUN", filepath.Join(l.Dir, "run"))
			e.Setenv("DATA", filepath.Join(l.Dir, "data"))
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"capture": capture,
			"inside":  func(ts *testscript.TestScript, neg bool, args []string) { inside(ts, l, neg, args) },
		},
	})
}

// TestDoctorIsQuiet has containers of two accounts come and go, with floating IPs, networks and volumes, while the doctor looks.
func TestDoctorIsQuiet(t *testing.T) {
	l := newLab(t, "e2eq")
	hyper(t, l, "admin", "account", "create", "ann")
	hyper(t, l, "pull", "busybox")
	hyper(t, l, "--account", "ann", "pull", "busybox")
	ctx, stop := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	var rounds [2]atomic.Int32
	for i, account := range []string{"default", "ann"} {
		busy.Go(func() {
			for ctx.Err() == nil {
				if err := comeAndGo(l, account); err != nil {
					t.Error(err)
					return
				}
				rounds[i].Add(1)
			}
		})
	}
	for looks := 0; looks < 12 || (rounds[0].Load() < 4 || rounds[1].Load() < 4) && looks < 500; looks++ {
		if out, errOut, code := l.Hyper("admin", "doctor"); code != 0 {
			t.Errorf("exit %d\n%s%s", code, out, errOut)
		}
	}
	stop()
	busy.Wait()
	if rounds[0].Load() < 4 || rounds[1].Load() < 4 {
		t.Errorf("containers came and went %d and %d times only", rounds[0].Load(), rounds[1].Load())
	}
	well := func(when string) {
		t.Helper()
		if out, errOut, code := l.Hyper("admin", "doctor"); code != 0 || !strings.HasSuffix(out, "all is well\n") {
			t.Errorf("%s: exit %d\n%s%s", when, code, out, errOut)
		}
	}
	well("in the end")
	hyper(t, l, "network", "create", "side")
	fip := strings.TrimSpace(hyper(t, l, "fip", "allocate", "-y", "1"))
	hyper(t, l, "run", "-d", "--name", "stays", "-p", "80:80", "busybox", "sleep", "1000")
	hyper(t, l, "fip", "attach", fip, "stays")
	hyper(t, l, "--account", "ann", "network", "create", "side") // and no container
	well("before hyperd dies")
	if err := errors.Join(l.Kill(), l.WaitDown(), l.Start()); err != nil {
		t.Fatal(err)
	}
	well("with the next hyperd")
	hyper(t, l, "rm", "-f", "stays")
	well("without containers")
}

// comeAndGo is one life of a container with all that one can have.
func comeAndGo(l *lab.Lab, account string) error {
	var fip string
	for _, args := range [][]string{
		{"fip", "allocate", "-y", "1"},
		{"network", "create", "side"},
		{"run", "-d", "--name", "long", "-p", "80:80", "-v", "data:/data", "busybox", "sleep", "1000"},
		{"fip", "attach", "FIP", "long"},
		{"network", "connect", "side", "long"},
		{"run", "--rm", "busybox", "true"},
		{"restart", "-t", "0", "long"},
		{"network", "disconnect", "side", "long"},
		{"fip", "detach", "long"},
		{"rm", "-f", "long"},
		{"network", "rm", "side"},
		{"volume", "rm", "data"},
		{"fip", "release", "FIP"},
	} {
		for i := range args {
			if args[i] == "FIP" {
				args[i] = fip
			}
		}
		out, errOut, code := l.Hyper(append([]string{"--account", account}, args...)...)
		if code != 0 {
			return fmt.Errorf("hyper %v: exit %d\n%s%s", args, code, out, errOut)
		}
		if args[1] == "allocate" {
			fip = strings.TrimSpace(out)
		}
	}
	return nil
}
