package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/test/lab"
)

// The machine's network has another host in it: 192.0.2.2, which also took an address of the operator's pool.
func withNeighbour(t *testing.T, l *lab.Lab) (curl func(url string) string) {
	t.Helper()
	for _, line := range []string{
		"link add ext0 type veth peer name eth0", "netns add outside", "link set eth0 netns outside",
		"addr add 192.0.2.1/24 dev ext0", "link set ext0 up", "route add default via 192.0.2.2",
		"-n outside addr add 192.0.2.2/24 dev eth0", "-n outside addr add 192.0.2.65/24 dev eth0", "-n outside link set eth0 up", "-n outside link set lo up",
	} {
		if out, err := l.Command(t.Context(), "ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v\n%s", line, err, out)
		}
	}
	return func(url string) string {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		out, err := l.Command(ctx, "ip", "netns", "exec", "outside", "curl", "-sS", "-m", "5", url).CombinedOutput()
		if err != nil {
			return fmt.Sprintf("%v: %s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
}

// refused runs hyperd with settings that it does not start with, and gives what it says.
func refused(t *testing.T, l *lab.Lab, args ...string) string {
	t.Helper()
	err := l.Start(args...)
	if err == nil {
		t.Fatalf("hyperd started with %v", args)
	}
	said := err.Error()
	return said[strings.LastIndex(strings.TrimSpace(said), "\n")+1:]
}

// TestFloatingIPsOfTheMachinesNetwork is what an operator does who has a range of addresses in the machine's own network.
func TestFloatingIPsOfTheMachinesNetwork(t *testing.T) {
	l := idleLab(t, "link")
	curl := withNeighbour(t, l)
	for pool, says := range map[string]string{
		"192.0.2.0/26":            "192.0.2.2, which is that of this machine's router on ext0",
		"192.0.2.1":               "192.0.2.1, which is this machine's own, on ext0",
		"192.0.2.250-192.0.3.250": "192.0.2.255, which is everybody's in the network 192.0.2.0/24, on ext0",
		"172.16.9.0/24":           "the accounts' private addresses",
		"192.0.2.64-192.0.2.6":    "ends before it begins",
	} {
		if said := refused(t, l, "--fip-pool", pool); !strings.Contains(said, says) {
			t.Errorf("with the pool %s hyperd says %q", pool, said)
		}
	}
	pool := []string{"--fip-pool", "192.0.2.64-192.0.2.79", "--fip-pool", "198.51.100.0/29", "--fip-exclude", "192.0.2.64"}
	if err := l.Start(pool...); err != nil {
		t.Fatal(err)
	}
	hyper(t, l, "pull", "busybox")
	if got := hyper(t, l, "fip", "allocate", "-y", "2"); got != "192.0.2.66\n192.0.2.67\n" {
		t.Errorf("allocated are %q: one is excluded, the next another host's", got)
	}
	if _, warnings, _ := l.Hyper("info"); !strings.Contains(warnings, "the floating IP 192.0.2.65 is not given, since the host with the hardware address") {
		t.Errorf("info warns %q", warnings)
	}
	for _, name := range []string{"one", "two"} {
		hyper(t, l, "run", "-d", "--name", name, "-p", "8000-8002:8000-8002", "-p", "8010:8001", "busybox", "sh", "-c",
			"mkdir /w; echo "+name+" >/w/index.html; for p in 8000 8001 8002; do httpd -p $p -h /w; done; sleep 1000")
	}
	hyper(t, l, "fip", "attach", "192.0.2.66", "one")
	for _, port := range []string{"8000", "8001", "8002", "8010"} {
		if got := curl("http://192.0.2.66:" + port); got != "one" {
			t.Errorf("port %s answers %q", port, got)
		}
	}
	if got := hyper(t, l, "port", "one"); got != "8000/tcp -> 0.0.0.0:8000\n8001/tcp -> 0.0.0.0:8001\n8001/tcp -> 0.0.0.0:8010\n8002/tcp -> 0.0.0.0:8002\n" {
		t.Errorf("port says %q", got)
	}
	if got := hyper(t, l, "ps", "--format", "{{.Names}} {{.Ports}} {{.PublicIP}}", "--filter", "name=one"); got != "one 0.0.0.0:8000-8002->8000-8002/tcp, 0.0.0.0:8010->8001/tcp 192.0.2.66\n" {
		t.Errorf("ps says %q", got)
	}
	if _, said, code := l.Hyper("fip", "attach", "-f", "192.0.2.66", "nobody"); code == 0 || curl("http://192.0.2.66:8000") != "one" {
		t.Errorf("a move that cannot be took the address away: %s", said)
	}
	hyper(t, l, "fip", "attach", "-f", "192.0.2.66", "two")
	if got := curl("http://192.0.2.66:8000"); got != "two" {
		t.Errorf("after a move %q answers", got)
	}
	if err := l.Kill(); err != nil {
		t.Fatal(err)
	}
	if got := curl("http://192.0.2.66:8000"); got != "two" {
		t.Errorf("without hyperd %q answers", got)
	}
	t.Run("with another pool", func(t *testing.T) {
		if err := l.Start("--fip-pool", "198.51.100.0/29"); err != nil {
			t.Fatal(err)
		}
		if got := curl("http://192.0.2.66:8000"); got != "two" {
			t.Errorf("what is no longer in the pool answers %q", got)
		}
		if _, warnings, _ := l.Hyper("info"); !strings.Contains(warnings, "the floating IP 192.0.2.66 is no longer one of the operator's pool") {
			t.Errorf("info warns %q", warnings)
		}
		if !strings.Contains(l.Log(), "192.0.2.66 192.0.2.67") {
			t.Error("the log says nothing of it")
		}
		hyper(t, l, "fip", "release", "192.0.2.67")
		if got := hyper(t, l, "fip", "allocate", "-y", "1"); got != "198.51.100.2\n" {
			t.Errorf("allocated is %q", got)
		}
	})
}
