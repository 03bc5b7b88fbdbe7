package testcontainers

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	tc "github.com/testcontainers/testcontainers-go"
)

// A container that is to be reached from outside asks for the floating IP at which Testcontainers looks for all of them, or for any.
var (
	theFIP = tc.WithLabels(map[string]string{"sh_hyper_fip": os.Getenv("TESTCONTAINERS_HOST_OVERRIDE")})
	anyFIP = tc.WithLabels(map[string]string{"sh_hyper_fip": "auto"})
)

// start runs a container that is gone when the test has ended.
func start(t *testing.T, image string, opts ...tc.ContainerCustomizer) *tc.DockerContainer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	ctr, err := tc.Run(ctx, image, opts...)
	tc.CleanupContainer(t, ctr, tc.StopTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return ctr
}

// run executes a command in a container, and wants it to succeed. It returns what the command printed.
func run(t *testing.T, ctr *tc.DockerContainer, command ...string) string {
	t.Helper()
	code, out, err := ctr.Exec(t.Context(), command, multiplexed)
	if err != nil {
		t.Fatal(err)
	}
	text := read(t, out)
	if code != 0 {
		t.Fatalf("%v: exit %d\n%s", command, code, text)
	}
	return text
}

func read(t *testing.T, r io.Reader) string {
	t.Helper()
	if c, ok := r.(io.Closer); ok {
		defer c.Close()
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}
