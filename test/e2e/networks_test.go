package e2e

import (
	"strings"
	"testing"
)

// TestNetworkFailpoints ends hyperd in the middle of what changes a running container's networks: the next one brings the container
// to where its record says that it is, and leaves nothing of the rest.
func TestNetworkFailpoints(t *testing.T) {
	l := newLab(t, "e2en")
	hyper(t, l, "pull", "busybox")
	hyper(t, l, "run", "-d", "--name", "one", "busybox", "sleep", "100000")
	hyper(t, l, "run", "-d", "--name", "two", "busybox", "sleep", "100000")
	hyper(t, l, "run", "--rm", "busybox", "true") // whatever is made once is made now
	before := inventory(t, l)
	const (
		create = `{"Name":"back","Internal":true,"IPAM":{"Config":[{"Subnet":"10.7.0.0/24"}]}}`
		one    = `{"Container":"one","EndpointConfig":{"Aliases":["uno"]}}`
		two    = `{"Container":"two"}`
	)
	reaches := func() string {
		_, errOut, code := l.Hyper("exec", "two", "ping", "-c", "1", "-w", "2", "uno")
		if code != 0 {
			return "two does not reach one: " + errOut
		}
		return ""
	}
	devices := func(name string) string {
		out := hyper(t, l, "exec", name, "ls", "/sys/class/net")
		return strings.Join(strings.Fields(out), " ")
	}
	for _, tc := range []struct {
		point, target, body string
		joined              bool // one is in the network afterwards
	}{
		{"network.connect.after-intent", "/networks/back/connect", one, true},
		{"network.attach.after-veth", "/networks/back/connect", one, true},
		{"network.connect.after-engine", "/networks/back/connect", one, true},
		{"network.disconnect.after-intent", "/networks/back/disconnect", one, false},
		{"network.disconnect.after-engine", "/networks/back/disconnect", one, false},
	} {
		t.Run(tc.point, func(t *testing.T) {
			if out := post(t, l, "/networks/create", create); !strings.Contains(out, `"Id"`) {
				t.Fatal(out)
			}
			post(t, l, "/networks/back/connect", two)
			if !tc.joined {
				post(t, l, "/networks/back/connect", one)
				if out := reaches(); out != "" {
					t.Fatal(out)
				}
			}
			restart(t, l, "HYPER_FAILPOINT="+tc.point)
			out := post(t, l, tc.target, tc.body)
			if err := l.WaitDown(); err != nil {
				t.Fatalf("the call did not reach the point: %s", out)
			}
			restart(t, l)
			want := "eth0 lo"
			if tc.joined {
				want = "eth0 eth1 lo"
				if out := reaches(); out != "" {
					t.Error(out)
				}
			} else if reaches() == "" {
				t.Error("two reaches one, which has left")
			}
			if got := devices("one"); got != want {
				t.Errorf("the interfaces are %s, want %s", got, want)
			}
			if tc.joined {
				if out := post(t, l, "/networks/back/disconnect", one); out != "" {
					t.Error(out)
				}
			}
			if out := post(t, l, "/networks/back/disconnect", two); out != "" {
				t.Error(out)
			}
			// The container stops and starts as if nothing had been.
			hyper(t, l, "restart", "-t", "0", "one")
			if got := devices("one"); got != "eth0 lo" {
				t.Errorf("after a restart the interfaces are %s", got)
			}
			if out := post(t, l, "/networks/prune", ""); !strings.Contains(out, `["back"]`) {
				t.Error(out)
			}
			wantInventory(t, l, before)
		})
	}
	t.Run("network.remove.after-record", func(t *testing.T) {
		post(t, l, "/networks/create", create)
		post(t, l, "/networks/back/connect", one)
		post(t, l, "/networks/back/disconnect", one)
		restart(t, l, "HYPER_FAILPOINT=network.remove.after-record")
		_ = l.Command(t.Context(), "curl", "-s", "--unix-socket", strings.TrimPrefix(l.Host(), "unix://"), "-X", "DELETE", "http://hyper/v1.44/networks/back").Run()
		if err := l.WaitDown(); err != nil {
			t.Fatal("the call did not reach the point")
		}
		restart(t, l)
		wantInventory(t, l, before)
		if out := post(t, l, "/networks/create", create); !strings.Contains(out, `"Id"`) {
			t.Error(out)
		}
		post(t, l, "/networks/prune", "")
	})
}
