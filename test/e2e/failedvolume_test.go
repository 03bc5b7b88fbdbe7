package e2e

import (
	"strings"
	"testing"
)

// TestFailedVolume lets a volume's file system meet an error. It can only be read, its owner is told, another account's goes on, and
// a restart of the container repairs it.
func TestFailedVolume(t *testing.T) {
	l := newLab(t, "e2ey")
	hyper(t, l, "run", "-d", "--name", "c", "-v", "data:/data", "busybox", "sh", "-c", "[ -e /data/f ] || echo kept > /data/f; sync; sleep 100000")
	hyper(t, l, "admin", "account", "create", "other")
	hyper(t, l, "--account", "other", "run", "-d", "--name", "c", "-v", "data:/data", "busybox", "sleep", "100000")
	told := func(want bool) {
		t.Helper()
		inspect := hyper(t, l, "volume", "inspect", "data")
		out, errOut, _ := l.Hyper("info")
		if strings.Contains(inspect, "read-only after an error") != want || strings.Contains(out+errOut, "volume data met an error") != want {
			t.Errorf("inspect says %s, and info %s%s", inspect, out, errOut)
		}
		if out, errOut, _ := l.Hyper("--account", "other", "info"); strings.Contains(out+errOut, "met an error") {
			t.Errorf("another account is told: %s%s", out, errOut)
		}
	}
	told(false)
	device := hyper(t, l, "exec", "c", "sh", "-c", "grep ' /data ' /proc/self/mounts")
	device, _, _ = strings.Cut(strings.TrimPrefix(device, "/dev/"), " ")
	if out, err := l.Command(t.Context(), "sh", "-c", "echo a test > /sys/fs/ext4/"+device+"/trigger_fs_error").CombinedOutput(); err != nil {
		t.Fatalf("an error in %s: %v %s", device, err, out)
	}
	told(true)
	if out, errOut, code := l.Hyper("exec", "c", "touch", "/data/g"); code == 0 || !strings.Contains(out+errOut, "Read-only file system") {
		t.Errorf("writing to it: exit %d, %s%s", code, out, errOut)
	}
	hyper(t, l, "exec", "c", "cat", "/data/f")
	hyper(t, l, "--account", "other", "exec", "c", "touch", "/data/g")
	hyper(t, l, "restart", "-t", "0", "c")
	told(false)
	if out := hyper(t, l, "exec", "c", "sh", "-c", "touch /data/g && cat /data/f"); out != "kept\n" {
		t.Errorf("after the restart it holds %q", out)
	}
}
