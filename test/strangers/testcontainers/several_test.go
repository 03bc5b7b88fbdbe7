package testcontainers

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	tc "github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

// pong is a server that answers each line in the words of a well-known store of keys.
const pong = `echo listening; exec nc -ll -p 6379 -e sh -c 'while read -r line; do echo +PONG; done'`

// TestSeveral has two servers at the same time, each at an address of its own: the one that it is seen to have. A third container reaches
// both by their names, and a fourth only does its work and ends.
func TestSeveral(t *testing.T) {
	var servers []*tc.DockerContainer
	for _, name := range []string{"cache", "queue"} {
		servers = append(servers, start(t, "busybox", anyFIP, tc.WithName(name),
			tc.WithEntrypoint("sh", "-c"), tc.WithCmd(pong), tc.WithExposedPorts("6379/tcp"),
			tc.WithWaitStrategy(wait.ForLog("listening"), wait.ForListeningPort("6379/tcp").SkipExternalCheck()),
		))
	}
	var seen []string
	for _, ctr := range servers {
		inspect, err := ctr.Inspect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		port, err := ctr.MappedPort(t.Context(), "6379/tcp")
		if err != nil {
			t.Fatal(err)
		}
		addr := net.JoinHostPort(inspect.Config.Labels["sh.hyper.fip"], port.Port())
		if slices.Contains(seen, addr) {
			t.Errorf("both are at %s", addr)
		}
		seen = append(seen, addr)
		if got := ping(t, addr); got != "+PONG" {
			t.Errorf("%s says %q", addr, got)
		}
	}
	asker := start(t, "busybox", tc.WithCmd("sleep", "1000"))
	for _, name := range []string{"cache", "queue"} {
		if got := run(t, asker, "sh", "-c", fmt.Sprintf("echo PING | timeout 10 nc %s 6379 | head -n 1", name)); got != "+PONG" {
			t.Errorf("%s says to its neighbour %q", name, got)
		}
	}
	job := start(t, "busybox", tc.WithCmd("sh", "-c", "echo done; exit 3"), tc.WithWaitStrategy(wait.ForExit()))
	if s, err := job.State(t.Context()); err != nil || s.ExitCode != 3 || s.Running {
		t.Errorf("the job's state is %+v, %v", s, err)
	}
}

func ping(t *testing.T, addr string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintln(conn, "PING")
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}
