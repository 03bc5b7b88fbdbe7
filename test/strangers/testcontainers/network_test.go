package testcontainers

import (
	"strings"
	"testing"

	tc "github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/network"
	"github.com/testcontainers/testcontainers-go/wait"
)

// TestNetwork gives a test a network of its own, in which its containers know each other by aliases.
func TestNetwork(t *testing.T) {
	nw, err := network.New(t.Context(), network.WithAttachable(), network.WithLabels(map[string]string{"kept": "no"}))
	if err != nil {
		t.Fatal(err)
	}
	tc.CleanupNetwork(t, nw)
	start(t, "busybox", network.WithNetwork([]string{"store"}, nw),
		tc.WithEntrypoint("sh", "-c"), tc.WithCmd("mkdir /srv; echo from the store >/srv/index.html; "+httpd), tc.WithWaitStrategy(wait.ForLog("about to serve")))
	app := start(t, "busybox", network.WithNetwork([]string{"app"}, nw), tc.WithCmd("sleep", "1000"))
	apart := start(t, "busybox", tc.WithCmd("sleep", "1000"))

	if got := run(t, app, "wget", "-q", "-O", "-", "http://store/"); got != "from the store" {
		t.Errorf("the neighbour says %q", got)
	}
	if code, out, err := apart.Exec(t.Context(), []string{"wget", "-q", "-O", "-", "http://store/"}, multiplexed); err != nil || code == 0 {
		t.Errorf("who is not in the network reaches it: %d, %v, %s", code, err, read(t, out))
	}
	names, err := app.NetworkAliases(t.Context())
	if err != nil || !strings.Contains(strings.Join(names[nw.Name], " "), "app") {
		t.Errorf("the aliases are %v, %v", names, err)
	}
	in, err := app.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := in.NetworkSettings.Networks[nw.Name]; !ok || len(in.NetworkSettings.Networks) != 1 {
		t.Errorf("it is in the networks %v", in.NetworkSettings.Networks)
	}
}
