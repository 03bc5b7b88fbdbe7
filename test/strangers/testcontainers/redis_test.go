package testcontainers

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	tc "github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

// TestRedis has a real store of keys, which is filled from outside, looked into by its own client, and filled still after a stop.
func TestRedis(t *testing.T) {
	ctr := start(t, "redis:7", theFIP, tc.WithExposedPorts("6379/tcp"),
		tc.WithCmdArgs("--save", "1 1"), tc.WithMounts(tc.VolumeMount("keys", "/data")),
		tc.WithWaitStrategy(wait.ForLog("Ready to accept connections"), wait.ForListeningPort("6379/tcp"), wait.ForExec([]string{"redis-cli", "ping"}).
			WithResponseMatcher(func(out io.Reader) bool {
				text, err := io.ReadAll(out)
				return err == nil && strings.Contains(string(text), "PONG")
			})),
	)
	defer func() {
		if err := ctr.Terminate(context.WithoutCancel(t.Context()), tc.RemoveVolumes("keys")); err != nil {
			t.Error(err)
		}
	}()
	addr, err := ctr.PortEndpoint(t.Context(), "6379/tcp", "")
	if err != nil {
		t.Fatal(err)
	}
	if got := command(t, addr, "SET lamp bright"); got != "+OK" {
		t.Errorf("it says %q", got)
	}
	if got := run(t, ctr, "redis-cli", "get", "lamp"); got != "bright" {
		t.Errorf("its client says %q", got)
	}
	long := 20 * time.Second
	if err := ctr.Stop(t.Context(), &long); err != nil {
		t.Fatal(err)
	}
	if err := ctr.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := command(t, addr, "EXISTS lamp"); got != ":1" {
		t.Errorf("after a stop it says %q", got)
	}
}

// command sends one line to a store of keys, and is the first line of what it says.
func command(t *testing.T, addr, line string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(conn, "%s\r\n", line)
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(answer)
}
