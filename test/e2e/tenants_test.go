package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hypercloud/hyper/test/lab"
)

// TestTenants runs the transcripts of operator and tenants on one hyperd: the operator over the socket, tenants over TLS from
// inside the lab, where its loopback is.
func TestTenants(t *testing.T) {
	l := newLab(t, "e2et", "--host", "tcp://127.0.0.1:6443")
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/tenants",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", l.Bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			e.Setenv("HYPER_HOST", l.Host())
			e.Setenv("SERVER", "tcp://127.0.0.1:6443")
			e.Setenv("CA", filepath.Join(l.Dir, "data", "tls", "ca.pem"))
			e.Setenv("HOME", e.WorkDir)
			return installCompose(e.WorkDir)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"capture": capture,
			"inside":  func(ts *testscript.TestScript, neg bool, args []string) { inside(ts, l, neg, args) },
			"eval":    eval,
		},
	})
}

// installCompose makes docker compose a plugin of whoever's home it is.
func installCompose(home string) error {
	program, err := filepath.Abs(filepath.Join("..", "..", "build", "docker-compose"))
	if err != nil {
		return err
	}
	if _, err := os.Stat(program); err != nil {
		return fmt.Errorf("docker compose is missing: run 'scripts/build tools' first: %w", err)
	}
	dir := filepath.Join(home, ".docker", "cli-plugins")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.Symlink(program, filepath.Join(dir, "docker-compose"))
}

// inside COMMAND... runs a command in the lab, with the script's environment.
func inside(ts *testscript.TestScript, l *lab.Lab, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: inside COMMAND [ARG...]")
	}
	cmd := l.Command(context.Background(), args[0], args[1:]...)
	err := ts.Exec(cmd.Path, cmd.Args[1:]...)
	if (err != nil) != neg {
		ts.Fatalf("inside %v: %v\n%s%s", args, err, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

var exported = regexp.MustCompile(`(?m)^export ([A-Z_]+)='([^']*)'$`)

// eval sets the variables that the last command printed as export lines.
func eval(ts *testscript.TestScript, neg bool, args []string) {
	lines := exported.FindAllStringSubmatch(ts.ReadFile("stdout"), -1)
	if neg || len(args) > 0 || len(lines) == 0 {
		ts.Fatalf("eval: the last command printed no export lines")
	}
	for _, m := range lines {
		ts.Setenv(m[1], m[2])
	}
}

// TestAccountsPageIsWhatIsTested holds the page for operators to the transcript: what it tells them to type is typed there.
func TestAccountsPageIsWhatIsTested(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "accounts.md"))
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join("testdata", "tenants", "page.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	_, first, ok := strings.Cut(string(page), "## From nothing to two tenants")
	first, _, end := strings.Cut(first, "\n## ")
	if !ok || !end {
		t.Fatal("docs/accounts.md has no section \"From nothing to two tenants\"")
	}
	n := 0
	for _, line := range strings.Split(first, "\n") {
		command, ok := strings.CutPrefix(line, "# ")
		if !ok {
			if command, ok = strings.CutPrefix(line, "$ "); !ok {
				continue
			}
		}
		n++
		if !strings.Contains(string(script), fmt.Sprintf("# %s\n", command)) {
			t.Errorf("page.txtar does not run: %s", command)
		}
	}
	if n < 6 || n > 10 {
		t.Errorf("the page has %d commands; it promises at most ten", n)
	}
}
