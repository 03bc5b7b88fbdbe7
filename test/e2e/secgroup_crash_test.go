package e2e

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSecurityGroupFailpoints ends hyperd between the record of what is allowed and the network: the next one makes the network what the
// record says, for connections that are open, too.
func TestSecurityGroupFailpoints(t *testing.T) {
	l := newLab(t, "e2eg")
	hyper(t, l, "pull", "busybox")
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const rule = "- {direction: ingress, protocol: tcp, port_range_min: 7, port_range_max: 7, remote_ip_prefix: 0.0.0.0/0}\n"
	open, shut := file("open.yaml", "rules:\n"+rule), file("shut.yaml", "rules: []\n")
	hyper(t, l, "sg", "create", "-f", open, "echo")
	hyper(t, l, "sg", "create", "-f", shut, "nothing")
	hyper(t, l, "run", "-d", "--name", "one", "--sg", "echo", "-p", "7:7", "busybox", "nc", "-ll", "-p", "7", "-e", "cat")
	fip := strings.TrimSpace(hyper(t, l, "fip", "allocate", "-y", "1"))
	hyper(t, l, "fip", "attach", fip, "one")
	for _, tc := range []struct {
		point     string
		act, undo []string
	}{
		{"secgroup.update.after-intent", []string{"sg", "update", "-f", shut, "echo"}, []string{"sg", "update", "-f", open, "echo"}},
		{"container.regroup.after-intent", []string{"update", "--sg-rm", "echo", "--sg-add", "nothing", "one"}, []string{"update", "--sg-rm", "nothing", "--sg-add", "echo", "one"}},
	} {
		t.Run(tc.point, func(t *testing.T) {
			dial := func() (net.Conn, error) {
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				return l.Dial(ctx, "tcp", fip+":7", "")
			}
			c, err := dial()
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			r := bufio.NewReader(c)
			echo := func() error {
				_ = c.SetDeadline(time.Now().Add(2 * time.Second))
				if _, err := io.WriteString(c, "hello\n"); err != nil {
					return err
				}
				_, err := r.ReadString('\n')
				return err
			}
			if err := echo(); err != nil {
				t.Fatal(err)
			}
			restart(t, l, "HYPER_FAILPOINT="+tc.point)
			if err := echo(); err != nil {
				t.Errorf("a restart of hyperd ends a connection that is allowed: %v", err)
			}
			out, errOut, code := l.Hyper(tc.act...)
			if err := l.WaitDown(); err != nil {
				t.Fatalf("hyper %v (exit %d, %s%s) did not reach the point", tc.act, code, out, errOut)
			}
			restart(t, l)
			if echo() == nil {
				t.Error("a connection that is not allowed outlives the restart")
			}
			if again, err := dial(); err == nil {
				again.Close()
				t.Error("what the record does not allow is allowed")
			}
			hyper(t, l, tc.undo...)
			if again, err := dial(); err != nil {
				t.Errorf("allowed again: %v", err)
			} else {
				again.Close()
			}
		})
	}
}
