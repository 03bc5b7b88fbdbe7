package e2e

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/test/lab"
)

// post calls hyperd over its socket, and returns what it answered; "" is no answer.
func post(t *testing.T, l *lab.Lab, target, body string) string {
	t.Helper()
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", strings.TrimPrefix(l.Host(), "unix://"))
	}}}
	defer client.CloseIdleConnections()
	resp, err := client.Post("http://hyper/v1.23"+target, "application/json", strings.NewReader(body))
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	out, _ := io.ReadAll(resp.Body)
	return string(out)
}

// project is a file of two services; password is what changes the database's description.
func project(password, fip string) string {
	return `{"ServiceConfigs":{"M":{
		"db":{"image":"busybox","stop_signal":"KILL","command":["sh","-c","test -f /data/f || echo ` + "`hostname`" + ` > /data/f; sleep 100000"],"environment":["P=` + password + `"],"volumes":["/data","store:/store"]},
		"web":{"image":"busybox","stop_signal":"KILL","command":["sleep","100000"],"links":["db:mysql"],"fip":"` + fip + `"}}},"VolumeConfigs":{"store":{"DriverOpts":{"size":"20"}}}}`
}

// TestComposeFailpoints ends hyperd in the middle of an up: the same up again makes the rest, once, and the data of a replaced container is
// its successor's.
func TestComposeFailpoints(t *testing.T) {
	l := newLab(t, "e2eo")
	hyper(t, l, "pull", "busybox")
	fip := strings.TrimSpace(hyper(t, l, "fip", "allocate", "-y", "1"))
	hyper(t, l, "run", "--rm", "busybox", "true") // whatever is made once is made now
	before := inventory(t, l)
	for _, tc := range []struct {
		point   string
		replace bool // the project is up, and its database is changed
	}{
		{"compose.up.after-intent", false},
		{"volume.create.after-intent", false},
		{"container.create.after-intent", false},
		{"container.create.after-engine", false},
		{"compose.up.after-create", false},
		{"compose.up.after-create=2", false},
		{"container.start.after-intent", false},
		{"container.start.after-engine", false},
		{"compose.up.before-fip", false},
		{"fip.attach.after-intent", false},
		{"container.stop.after-intent", true},
		{"compose.recreate.after-rename", true},
		{"container.create.after-intent", true},
		{"container.create.after-engine", true},
		{"compose.recreate.after-create", true},
		{"container.remove.after-intent", true},
		{"container.remove.after-engine", true},
		{"compose.recreate.after-rename=2", true},
		{"compose.recreate.after-create=2", true},
	} {
		t.Run(tc.point, func(t *testing.T) {
			password, first := "one", ""
			if tc.replace {
				if out := post(t, l, "/compose/up?project=blog", project("one", fip)); !strings.Contains(out, "Project started") {
					t.Fatal(out)
				}
				eventually(t, "the database writes", func() string {
					first, _, _ = l.Hyper("exec", "blog-db-1", "cat", "/data/f")
					if len(first) < 12 {
						return "nothing yet"
					}
					return ""
				})
				password = "two"
			}
			restart(t, l, "HYPER_FAILPOINT="+tc.point)
			out := post(t, l, "/compose/up?project=blog", project(password, fip))
			if err := l.WaitDown(); err != nil {
				t.Fatalf("the up did not reach the point: %s", out)
			}
			restart(t, l)
			if out := post(t, l, "/compose/up?project=blog", project(password, fip)); !strings.Contains(out, "Project started") {
				t.Fatal(out)
			}
			if names := strings.Fields(hyper(t, l, "ps", "-a", "--format", "{{.Names}} {{.Label \"sh.hyper.compose.container-number\"}}")); strings.Join(names, " ") != "blog-web-1 1 blog-db-1 1" {
				t.Errorf("containers are %q", names)
			}
			eventually(t, "the description is in force", func() string {
				out, errOut, _ := l.Hyper("exec", "blog-db-1", "sh", "-c", "cat /data/f; echo $P")
				if !strings.HasSuffix(out, "\n"+password+"\n") || !strings.HasPrefix(out, first) {
					return out + errOut
				}
				return ""
			})
			if out := hyper(t, l, "exec", "blog-web-1", "sh", "-c", "grep -c mysql /etc/hosts"); out != "1\n" {
				t.Errorf("hosts has %s lines of the link", out)
			}
			if out := hyper(t, l, "fip", "ls"); strings.Count(out, fip) != 1 || !strings.Contains(out, hyper(t, l, "inspect", "-f", "{{.Id}}", "blog-web-1")[:12]) {
				t.Errorf("floating IPs are\n%s", out)
			}
			if n := len(strings.Fields(hyper(t, l, "volume", "ls", "-q"))); n != 2 {
				t.Errorf("%d volumes", n)
			}
			if out := post(t, l, "/compose/down?project=blog&rmvol=true", ""); !strings.Contains(out, "Project deleted") {
				t.Error(out)
			}
			if out := hyper(t, l, "ps", "-aq") + hyper(t, l, "volume", "ls", "-q"); out != "" {
				t.Errorf("left: %s", out)
			}
			wantInventory(t, l, before)
		})
	}
}
