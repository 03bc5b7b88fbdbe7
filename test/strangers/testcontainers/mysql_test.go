package testcontainers

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"

	tc "github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

// TestMySQL has a real server, on a volume, found ready by its log, its port and a query.
func TestMySQL(t *testing.T) {
	query := []string{"mysql", "-uroot", "-psecret", "-N", "-e", "SELECT 6*7"}
	ctr := start(t, "mysql", theFIP,
		tc.WithEnv(map[string]string{"MYSQL_ROOT_PASSWORD": "secret", "MYSQL_DATABASE": "shop"}), tc.WithExposedPorts("3306/tcp"),
		tc.WithMounts(tc.VolumeMount("shop-data", "/var/lib/mysql")),
		tc.WithFiles(tc.ContainerFile{
			Reader:            strings.NewReader("CREATE TABLE shop.things (name TEXT); INSERT INTO shop.things VALUES ('lamp');"),
			ContainerFilePath: "/docker-entrypoint-initdb.d/things.sql", FileMode: 0o644,
		}),
		tc.WithWaitStrategyAndDeadline(2*time.Minute,
			wait.ForLog("port: 3306"), wait.ForListeningPort("3306/tcp"), wait.ForExec(query)),
	)
	defer func() {
		if err := ctr.Terminate(t.Context(), tc.RemoveVolumes("shop-data")); err != nil {
			t.Error(err)
		}
	}()
	if got := run(t, ctr, "mysql", "-uroot", "-psecret", "-N", "-e", "SELECT name FROM shop.things"); got != "lamp" {
		t.Errorf("the table has %q", got)
	}
	addr, err := ctr.PortEndpoint(t.Context(), "3306/tcp", "")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	// A server greets first: four bytes of length and number, one of the protocol, and its version as text.
	r := bufio.NewReader(conn)
	if _, err := r.Discard(5); err != nil {
		t.Fatal(err)
	}
	if version, err := r.ReadString(0); err != nil || !strings.Contains(version, "MariaDB") {
		t.Errorf("%s greets with %q, %v", addr, version, err)
	}
}
