package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/test/lab"
)

// eventually repeats check until it returns "" or half a minute has gone by.
func eventually(t *testing.T, what string, check func() string) {
	t.Helper()
	var last string
	for range 150 {
		if last = check(); last == "" {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatalf("%s: %s", what, last)
}

func inventory(t *testing.T, l *lab.Lab) lab.Inventory {
	t.Helper()
	inv, err := l.Inventory()
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// wantInventory waits until the machine holds what it held before.
func wantInventory(t *testing.T, l *lab.Lab, before lab.Inventory) {
	t.Helper()
	eventually(t, "something is left on the machine", func() string { return before.Diff(inventory(t, l)) })
}

// TestKilledWhileRunning ends hyperd by SIGKILL while containers run: they go on, and the next hyperd has them.
func TestKilledWhileRunning(t *testing.T) {
	l := newLab(t, "e2ek")
	hyper(t, l, "run", "-d", "--name", "web", "-p", "8080:80", "nginx")
	hyper(t, l, "run", "-d", "--name", "peer", "--link", "web:web", "-v", "data:/data", "busybox",
		"sh", "-c", "echo first > /data/f; i=0; while true; do echo line $i; i=$((i+1)); sleep 0.1; done")
	fip := strings.TrimSpace(hyper(t, l, "fip", "allocate", "-y", "1"))
	hyper(t, l, "fip", "attach", fip, "web")
	answers := func() string {
		out, err := l.Command(t.Context(), "curl", "-sS", "--max-time", "5", "http://"+fip+":8080/").CombinedOutput()
		if err != nil {
			return string(out)
		}
		return ""
	}
	eventually(t, "before", answers)
	address := hyper(t, l, "inspect", "-f", "{{.NetworkSettings.IPAddress}} {{.State.Pid}} {{.State.StartedAt}}", "web", "peer")

	if err := l.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "while hyperd is away", answers)
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "after", answers)
	if now := hyper(t, l, "inspect", "-f", "{{.NetworkSettings.IPAddress}} {{.State.Pid}} {{.State.StartedAt}}", "web", "peer"); now != address {
		t.Errorf("address, pid or start changed:\n%s\nwas\n%s", now, address)
	}
	if out := hyper(t, l, "exec", "peer", "sh", "-c", "cat /data/f; grep web /etc/hosts; wget -q -O - http://web/"); !strings.Contains(out, "first") || !strings.Contains(out, "nginx") {
		t.Errorf("exec after the restart says %q", out)
	}
	if out := hyper(t, l, "stats", "--no-stream", "web", "peer"); !strings.Contains(out, "\nweb ") || !strings.Contains(out, "\npeer ") {
		t.Errorf("stats after the restart say %q", out)
	}
	// Nothing that was written while hyperd was away is missing from the log.
	eventually(t, "logs go on", func() string {
		lines := strings.Fields(strings.ReplaceAll(hyper(t, l, "logs", "peer"), "line ", ""))
		for i, n := range lines {
			if n != itoa(i) {
				return "line " + itoa(i) + " is " + n
			}
		}
		if len(lines) < 30 {
			return "too few lines"
		}
		return ""
	})
	hyper(t, l, "rm", "-fv", "web", "peer")
	hyper(t, l, "volume", "rm", "data")
}

// TestReboot cuts the power: what has a restart policy comes back, the rest is exited, addresses and data stay.
func TestReboot(t *testing.T) {
	l := newLab(t, "e2er")
	hyper(t, l, "run", "-d", "--name", "always", "--restart", "always", "-p", "80", "nginx")
	hyper(t, l, "run", "-d", "--name", "never", "-v", "data:/data", "busybox", "sh", "-c", "echo kept >> /data/f; echo kept >> /f; sync; sleep 1000")
	fip := strings.TrimSpace(hyper(t, l, "fip", "allocate", "-y", "1"))
	hyper(t, l, "fip", "attach", fip, "always")
	before := hyper(t, l, "inspect", "-f", "{{.NetworkSettings.Networks.bridge.IPAddress}}", "always", "never")
	time.Sleep(time.Second)
	if err := l.Reboot(); err != nil {
		t.Fatal(err)
	}
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the site comes back", func() string {
		out, err := l.Command(t.Context(), "curl", "-sS", "--max-time", "5", "http://"+fip+"/").CombinedOutput()
		if err != nil {
			return string(out)
		}
		return ""
	})
	if out := hyper(t, l, "ps", "-a", "--filter", "name=never", "--format", "{{.Status}}"); !strings.HasPrefix(out, "Exited") {
		t.Errorf("never is %q, not exited", out)
	}
	hyper(t, l, "start", "never")
	eventually(t, "data after the reboot", func() string {
		if out := hyper(t, l, "exec", "never", "cat", "/data/f", "/f"); out != strings.Repeat("kept\n", 4) {
			return out
		}
		return ""
	})
	if now := hyper(t, l, "inspect", "-f", "{{.NetworkSettings.Networks.bridge.IPAddress}}", "always", "never"); now != before {
		t.Errorf("addresses %q, were %q", now, before)
	}
	hyper(t, l, "rm", "-fv", "always", "never")
}

// TestFailpoints ends hyperd at each named instruction. After the restart a thing is there or gone, and nothing is leaked.
func TestFailpoints(t *testing.T) {
	l := newLab(t, "e2ef")
	hyper(t, l, "pull", "busybox")
	hyper(t, l, "run", "-d", "--name", "idle", "busybox", "sleep", "100000")
	fip := strings.TrimSpace(hyper(t, l, "fip", "allocate", "-y", "1"))
	hyper(t, l, "run", "--rm", "busybox", "true") // whatever is made once is made now
	before := inventory(t, l)

	run := []string{"run", "-d", "--name", "x", "-v", "/data", "-v", "named:/n", "busybox", "sleep", "100000"}
	plain := []string{"run", "-d", "--name", "x", "busybox", "sleep", "100000"}
	attach := []string{"fip", "attach", fip, "idle"}
	asks := []string{"run", "-d", "--name", "x", "--label", "sh_hyper_fip=auto", "busybox", "sleep", "100000"}
	take := []string{"snapshot", "create", "--volume", "named", "--name", "snap", "--force"}
	for _, tc := range []struct {
		point   string
		prepare [][]string
		act     []string
	}{
		{"container.create.after-intent", nil, run},
		{"container.create.after-intent", nil, asks},
		{"container.create.after-engine", [][]string{attach}, asks}, // a new address is allocated, and not kept
		{"container.remove.after-engine", [][]string{asks}, []string{"rm", "-f", "x"}},
		{"create.after-snapshot", nil, run},
		{"volume.create.after-file", nil, run},
		{"root.create.after-file", nil, run},
		{"container.create.after-engine", nil, run},
		{"volume.attach.after-loop", nil, run},
		{"volume.attach.after-mount", nil, run},
		{"container.create.after-populate", nil, run},
		{"root.attach.after-loop", nil, run},
		{"root.attach.after-mount", nil, run},
		{"container.start.after-intent", nil, run},
		{"root.attach.after-mount", nil, plain},
		{"start.after-task-create", nil, run},
		{"network.attach.after-veth", nil, run},
		{"start.after-network", nil, run},
		{"start.after-task-start", nil, run},
		{"container.start.after-engine", nil, run},
		{"container.stop.after-intent", [][]string{run}, []string{"stop", "-t", "1", "x"}},
		{"container.exit.after-record", [][]string{run}, []string{"stop", "-t", "1", "x"}},
		{"container.stop.after-exit", [][]string{run}, []string{"stop", "-t", "1", "x"}},
		{"delete.after-task", [][]string{run}, []string{"stop", "-t", "1", "x"}},
		{"root.detach.after-umount", [][]string{run}, []string{"stop", "-t", "1", "x"}},
		{"root.detach.after-umount", nil, []string{"run", "--rm", "--name", "x", "busybox", "true"}},
		{"volume.detach.after-umount", [][]string{run}, []string{"stop", "-t", "1", "x"}},
		{"container.remove.after-intent", [][]string{run}, []string{"rm", "-fv", "x"}},
		{"remove.after-task", [][]string{run}, []string{"rm", "-fv", "x"}},
		{"root.remove.after-umount", [][]string{run}, []string{"rm", "-fv", "x"}},
		{"container.remove.after-engine", [][]string{run}, []string{"rm", "-fv", "x"}},
		{"fip.attach.after-intent", nil, attach},
		{"fip.attach.after-apply", nil, attach},
		{"fip.detach.after-intent", [][]string{attach}, []string{"fip", "detach", "idle"}},
		{"volume.create.after-intent", nil, []string{"volume", "create", "--name", "other"}},
		{"volume.create.after-engine", nil, []string{"volume", "create", "--name", "other"}},
		{"volume.remove.after-intent", [][]string{{"volume", "create", "--name", "other"}}, []string{"volume", "rm", "other"}},
		{"volume.remove.after-engine", [][]string{{"volume", "create", "--name", "other"}}, []string{"volume", "rm", "other"}},
		{"snapshot.create.after-intent", [][]string{run}, take},
		{"snapshot.create.after-file", [][]string{run}, take},
		{"snapshot.create.frozen", [][]string{run}, take},
		{"snapshot.create.after-engine", [][]string{run}, take},
		{"snapshot.remove.after-intent", [][]string{run, take}, []string{"snapshot", "rm", "snap"}},
		{"snapshot.remove.after-engine", [][]string{run, take}, []string{"snapshot", "rm", "snap"}},
		{"volume.create.after-file", [][]string{run, take}, []string{"volume", "create", "--name", "other", "--snapshot", "snap"}},
		{"volume.create.after-engine", [][]string{run, take}, []string{"volume", "create", "--name", "other", "--snapshot", "snap"}},
		{"snapshot.restore.after-intent", [][]string{run, take, {"stop", "-t", "0", "x"}}, []string{"snapshot", "restore", "snap"}},
		{"snapshot.restore.after-engine", [][]string{run, take, {"stop", "-t", "0", "x"}}, []string{"snapshot", "restore", "snap"}},
		{"volume.resize.after-intent", [][]string{{"volume", "create", "--name", "other"}}, []string{"volume", "resize", "other", "20"}},
		{"volume.resize.after-file", [][]string{{"volume", "create", "--name", "other"}}, []string{"volume", "resize", "other", "20"}},
		{"volume.resize.after-engine", [][]string{{"volume", "create", "--name", "other"}}, []string{"volume", "resize", "other", "20"}},
		{"pull.after-fetch", nil, []string{"pull", "alpine"}},
		{"pull.after-unpack", nil, []string{"pull", "alpine"}},
		{"pull.after-record", nil, []string{"pull", "alpine"}},
	} {
		t.Run(tc.point, func(t *testing.T) {
			for _, p := range tc.prepare {
				hyper(t, l, p...)
			}
			restart(t, l, "HYPER_FAILPOINT="+tc.point)
			out, errOut, code := l.Hyper(tc.act...)
			if err := l.WaitDown(); err != nil {
				t.Fatalf("hyper %v (exit %d, %s%s) did not reach the point", tc.act, code, out, errOut)
			}
			restart(t, l)
			// What is there can be used and removed.
			if ids := hyper(t, l, "ps", "-aq", "--filter", "name=x"); ids != "" {
				_, _, _ = l.Hyper("start", "x")
				eventually(t, "the container that is there runs", func() string {
					if out, errOut, code := l.Hyper("exec", "x", "sh", "-c", "test ! -d /n || date > /n/now"); code != 0 {
						return out + errOut
					}
					return ""
				})
				hyper(t, l, "rm", "-fv", "x")
			}
			if names := hyper(t, l, "snapshot", "ls", "-q"); names != "" {
				hyper(t, l, append([]string{"snapshot", "rm"}, strings.Fields(names)...)...)
			}
			if names := hyper(t, l, "volume", "ls", "-q"); names != "" {
				hyper(t, l, append([]string{"volume", "rm"}, strings.Fields(names)...)...)
			}
			_, _, _ = l.Hyper("fip", "detach", "idle")
			if out := hyper(t, l, "fip", "ls", "-q", "--filter", "dangling=true"); strings.TrimSpace(out) != fip {
				t.Errorf("the account has the floating IPs %q that nobody uses, want %s", out, fip)
			}
			if hyper(t, l, "images", "-q", "alpine") != "" {
				hyper(t, l, "rmi", "alpine")
			}
			if out := hyper(t, l, "exec", "idle", "echo", "alive"); out != "alive\n" {
				t.Errorf("the bystander says %q", out)
			}
			wantInventory(t, l, before)
		})
	}
}

// restart ends hyperd and starts it again with env.
func restart(t *testing.T, l *lab.Lab, env ...string) {
	t.Helper()
	if err := l.Stop(); err != nil {
		t.Fatal(err)
	}
	l.Env = env
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	l.Env = nil
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

func writeFile(t *testing.T, l *lab.Lab, name, text string) string {
	t.Helper()
	p := filepath.Join(l.Dir, name)
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}
