package e2e

import (
	"strings"
	"testing"
)

// TestKilledWhileAnAccountIsRemoved ends hyperd at each step of removing an account that has everything. The next one goes on by itself: the
// account is gone, nothing of it is left on the machine, and the bystander has all of its own.
func TestKilledWhileAnAccountIsRemoved(t *testing.T) {
	l := newLab(t, "e2ea")
	hyper(t, l, "run", "-d", "--name", "idle", "-v", "mine:/mine", "busybox", "sh", "-c", "echo mine > /mine/f; sleep 100000")
	hyper(t, l, "run", "--rm", "busybox", "true") // whatever is made once is made now
	before := inventory(t, l)
	as := func(account string, args ...string) string {
		t.Helper()
		return hyper(t, l, append([]string{"--account", account}, args...)...)
	}
	for _, point := range []string{
		"account.remove.after-intent",
		"container.remove.after-intent", // within emptying
		"container.remove.after-engine",
		"account.remove.after-empty",
		"account.remove.after-delete",
	} {
		t.Run(point, func(t *testing.T) {
			hyper(t, l, "admin", "account", "create", "carl")
			as("carl", "run", "-d", "--name", "web", "-p", "80", "-v", "data:/data", "-v", "/auto", "--protection", "true", "busybox", "sleep", "100000")
			as("carl", "create", "--name", "two", "busybox", "sleep", "100000")
			as("carl", "volume", "create", "--name", "other")
			fip := strings.TrimSpace(as("carl", "fip", "allocate", "-y", "1"))
			as("carl", "fip", "attach", fip, "web")

			restart(t, l, "HYPER_FAILPOINT="+point)
			out, errOut, code := l.Hyper("admin", "account", "rm", "-f", "carl")
			if err := l.WaitDown(); err != nil {
				t.Fatalf("the removal (exit %d, %s%s) did not reach the point", code, out, errOut)
			}
			restart(t, l)
			if out, errOut, code := l.Hyper("admin", "account", "inspect", "carl"); code == 0 || !strings.Contains(errOut, "No such account: carl") {
				t.Fatalf("after the restart carl is there: %s%s", out, errOut)
			}
			wantInventory(t, l, before)
			// What was carl's is anybody's again: the name, and the address.
			hyper(t, l, "admin", "account", "create", "carl")
			if out := as("carl", "ps", "-aq") + as("carl", "volume", "ls", "-q") + as("carl", "images", "-q"); out != "" {
				t.Errorf("the next carl begins with %q", out)
			}
			if got := strings.TrimSpace(as("carl", "fip", "allocate", "-y", "1")); got == "" {
				t.Error("no address is to be had")
			}
			hyper(t, l, "admin", "account", "rm", "-f", "carl")
			if out := hyper(t, l, "exec", "idle", "cat", "/mine/f"); out != "mine\n" {
				t.Errorf("the bystander's file says %q", out)
			}
			restart(t, l)
			wantInventory(t, l, before)
		})
	}
}
