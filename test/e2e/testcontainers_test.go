package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTestcontainers runs tests that are written with Testcontainers (test/strangers/testcontainers) as a tenant, who has what
// docs/accounts.md says to export and nothing else.
func TestTestcontainers(t *testing.T) {
	program, err := filepath.Abs(filepath.Join("..", "..", "build", "testcontainers"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("the tests that are written with Testcontainers are missing: run 'scripts/build tools' first: %v", err)
	}
	const server = "tcp://127.0.0.1:6443"
	l := newLab(t, "e2ec", "--host", server)
	hyper(t, l, "admin", "account", "create", "tess")
	dir := t.TempDir()
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TESTCONTAINERS_RYUK_DISABLED=true"}
	out := hyper(t, l, "--account", "tess", "docker-env", "--cert", "--endpoint", server, "--dir", filepath.Join(dir, "tess"))
	for _, m := range exported.FindAllStringSubmatch(out, -1) {
		env = append(env, m[1]+"="+m[2])
	}
	fip := strings.TrimSpace(hyper(t, l, "--account", "tess", "fip", "allocate", "-y", "1"))
	env = append(env, "TESTCONTAINERS_HOST_OVERRIDE="+fip)

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := l.Command(ctx, program, "-test.v", "-test.count=1")
	cmd.Env = env
	text, err := cmd.CombinedOutput()
	t.Logf("%s", text)
	if err != nil {
		t.Error(err)
	}
	for what, list := range map[string][]string{"containers": {"ps", "-aq"}, "volumes": {"volume", "ls", "-q"}} {
		if left := hyper(t, l, append([]string{"--account", "tess"}, list...)...); left != "" {
			t.Errorf("%s are left: %s", what, left)
		}
	}
	hyper(t, l, "admin", "account", "rm", "-f", "tess")
}
