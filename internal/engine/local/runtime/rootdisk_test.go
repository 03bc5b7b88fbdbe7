package runtime

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/core/mount"

	"github.com/hypercloud/hyper/internal/engine"
)

// unlimited are root disks of which new containers get none.
type unlimited struct{ RootDisks }

func (unlimited) Limited() bool { return false }

func TestTheRootFileSystemHasASize(t *testing.T) {
	c := container(t, "sh", "-c", `
		busybox df -k / | busybox awk 'END { print $(NF-4) }'
		[ ! -e /lost+found ] || echo lost+found
		dd if=/dev/zero of=/big bs=1M count=100 2>&1 | grep -o "No space left on device"
		busybox rm /big && echo again > /f && cat /f`)
	_, out, errOut := c.run()
	kib, rest, _ := strings.Cut(out, "\n")
	if n, err := strconv.Atoi(kib); err != nil || n<<10 < rootSize/2 || n<<10 > rootSize {
		t.Errorf("df shows %q KiB", kib)
	}
	if rest != "No space left on device\nagain\n" || errOut != "" {
		t.Errorf("it says %q, %q", rest, errOut)
	}
	if n, err := c.r.RootfsUsage(t.Context(), c.a, c.id); err != nil || n > 1<<20 {
		t.Errorf("with the file removed, %d bytes are used, %v", n, err)
	}
}

func TestUsageWhileItRuns(t *testing.T) {
	c := container(t, "sh", "-c", "dd if=/dev/zero of=/f bs=1M count=5; busybox sync; echo written; sleep 60")
	c.start()
	eventually(t, "the file is written", func() bool { return c.logs("stdout") == "written\n" })
	running, err := c.r.RootfsUsage(t.Context(), c.a, c.id)
	if err != nil || running < 5<<20 || running > 6<<20 {
		t.Errorf("of 5 MiB %d bytes are told, %v", running, err)
	}
	if err := c.r.Signal(t.Context(), c.a, c.id, 9); err != nil {
		t.Fatal(err)
	}
	c.wait()
	if stopped, err := c.r.RootfsUsage(t.Context(), c.a, c.id); err != nil || stopped < 5<<20 || stopped > 6<<20 {
		t.Errorf("of 5 MiB %d bytes are told when it is stopped, %v", stopped, err)
	}
}

func TestReadOnlyRootWithTmpfsAndVolume(t *testing.T) {
	c := container(t, "sh", "-c", "echo x > /f || echo refused; echo y > /tmp/f && cat /tmp/f; cat /data/g")
	c.spec.ReadOnly = true
	c.spec.Tmpfs = map[string]string{"/tmp": ""}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "g"), []byte("of the volume\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c.spec.Mounts = []engine.Mount{{Source: dir, Destination: "/data", IDMap: true}}
	if _, out, errOut := c.run(); out != "refused\ny\nof the volume\n" {
		t.Errorf("it says %q, %q", out, errOut)
	}
}

// TestAContainerWithoutADisk is one that was made when there were no root disks: it goes on where it wrote before.
func TestAContainerWithoutADisk(t *testing.T) {
	with := shared.Disks
	shared.Disks = unlimited{with}
	c := container(t, "sh", "-c", "echo x >> /count; wc -l < /count")
	shared.Disks = with
	for range 2 {
		c.run()
	}
	if out := c.logs("stdout"); out != "1\n2\n" {
		t.Errorf("it says %q", out)
	}
	if n, err := c.r.RootfsUsage(t.Context(), c.a, c.id); err != nil || n <= 0 {
		t.Errorf("usage %d, %v", n, err)
	}
	if _, _, err := c.r.Disks.Attach(t.Context(), c.a, c.id, false); err == nil {
		t.Error("it has a disk")
	}
}

// TestADiskThatIsGone must not be taken for an empty one.
func TestADiskThatIsGone(t *testing.T) {
	c := container(t, "true")
	if err := c.r.Disks.Remove(t.Context(), c.a, c.id); err != nil {
		t.Fatal(err)
	}
	if _, err := c.r.StartContainer(t.Context(), c.a, c.spec, nil); err == nil || !strings.Contains(err.Error(), "root disk") {
		t.Errorf("the start says %v", err)
	}
}

// TestReapDetachesWhatDoesNotRun finds disks that a hyperd had attached when it was killed.
func TestReapDetachesWhatDoesNotRun(t *testing.T) {
	running, idle := container(t, "sleep", "60"), container(t, "true")
	running.start()
	if _, _, err := idle.r.Disks.Attach(t.Context(), idle.a, idle.id, false); err != nil {
		t.Fatal(err)
	}
	keep := []engine.Keep{{Account: idle.a, Containers: []string{running.id, idle.id}}}
	if err := idle.r.Reap(t.Context(), keep); err != nil {
		t.Fatal(err)
	}
	if left := idle.remains(); len(left) > 0 {
		t.Errorf("of the idle one there is %v", left)
	}
	if code, out, _, err := running.exec(engine.ExecSpec{Args: []string{"sh", "-c", "echo x > /f && cat /f"}}, ""); err != nil || code != 0 || out != "x\n" {
		t.Errorf("the running one says %q, %d, %v", out, code, err)
	}
}

func TestAFailedStartDetaches(t *testing.T) {
	c := container(t, "/no/such/command")
	if _, err := c.r.StartContainer(context.Background(), c.a, c.spec, nil); err == nil {
		t.Fatal("it started")
	}
	if left := c.remains(); len(left) > 0 {
		t.Errorf("there is %v", left)
	}
}

// TestFilesThatTheContainerWroteDecide looks a user up in what an earlier run has made of the image's files.
func TestFilesThatTheContainerWroteDecide(t *testing.T) {
	c := container(t, "sh", "-c", "echo new:x:77:77::/:/bin/sh > /etc/passwd; chmod 600 /etc/passwd 2>/dev/null; busybox rm /etc/group")
	c.run()
	c.spec.User, c.spec.Args = "new", []string{"id", "-u"}
	if _, out, errOut := c.run(); out != "77\n" {
		t.Errorf("it says %q, %q", out, errOut)
	}
	c.spec.User = "web"
	if _, err := c.r.StartContainer(t.Context(), c.a, c.spec, nil); err == nil || !strings.Contains(err.Error(), "unable to find user web") {
		t.Errorf("a user that was removed: %v", err)
	}
}

func TestMountsToRead(t *testing.T) {
	overlay := func(lower string) []mount.Mount {
		return []mount.Mount{{Type: "overlay", Source: "overlay", Options: []string{
			"uidmap=0:1:2", "gidmap=0:1:2", "workdir=/w", "upperdir=/u", "lowerdir=" + lower, "index=off"}}}
	}
	for name, tc := range map[string]struct{ in, want []mount.Mount }{
		"layers":          {overlay("/a:/b"), []mount.Mount{{Type: "overlay", Source: "overlay", Options: []string{"lowerdir=/u:/a:/b", "index=off", "ro"}}}},
		"too many layers": {overlay(strings.Repeat("/a:", 1000)), readOnly(overlay(strings.Repeat("/a:", 1000)))},
		"none":            {[]mount.Mount{{Type: "bind", Source: "/u", Options: []string{"uidmap=0:1:2", "rw", "rbind"}}}, []mount.Mount{{Type: "bind", Source: "/u", Options: []string{"rbind", "ro"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := toRead(tc.in); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("%v", got)
			}
		})
	}
}
