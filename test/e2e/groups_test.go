package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/test/lab"
)

// groups says where a version of control groups keeps what TestControlGroups looks at, below a container's own group.
type groups struct {
	version string
	bounds  map[string]string // of size s1: file (version 1: controller/file), and what is in it
	frozen  [2]string         // file, and a line of it while the container is paused
}

var (
	groups1 = groups{"1", map[string]string{
		"memory/memory.limit_in_bytes": "67108864", "cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000", "pids/pids.max": "256",
	}, [2]string{"freezer/freezer.state", "FROZEN"}}
	groups2 = groups{"2", map[string]string{
		"memory.max": "67108864", "cpu.max": "100000 100000", "pids.max": "256", "memory.swap.max": "0",
	}, [2]string{"cgroup.events", "frozen 1"}}
)

// theseGroups is the version that this machine has.
func theseGroups(t *testing.T) groups {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs("/sys/fs/cgroup", &st); err != nil {
		t.Fatal(err)
	}
	if st.Type == unix.CGROUP2_SUPER_MAGIC {
		return groups2
	}
	return groups1
}

// read returns a file of a container's control group. There is one group with its ID, whatever its account's is.
func readGroup(t *testing.T, l *lab.Lab, id, file string) string {
	t.Helper()
	controller, name := filepath.Split(file)
	found, err := filepath.Glob(filepath.Join("/sys/fs/cgroup", controller, "hyper-"+l.Instance, "*", id, name))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s of container %s is at %v, %v", file, id, found, err)
	}
	raw, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(raw))
}

// TestControlGroups looks at what bounds a container on the machine and at what is told of its use. Version 2 of control
// groups is another interface of the kernel than version 1; `make test-vm` runs this test on it.
func TestControlGroups(t *testing.T) {
	l := newLab(t, "e2eg")
	g := theseGroups(t)
	if out := hyper(t, l, "info", "-f", "{{.CgroupVersion}}"); out != g.version+"\n" {
		t.Errorf("info says version %q, not %s", out, g.version)
	}
	hyper(t, l, "run", "--rm", "busybox", "true") // whatever is made once is made now
	before := inventory(t, l)
	id := strings.TrimSpace(hyper(t, l, "run", "-d", "--name", "small", "--size", "s1", "busybox", "sleep", "100000"))

	for file, want := range g.bounds {
		if got := readGroup(t, l, id, file); got != want {
			t.Errorf("%s is %q, not %q", file, got, want)
		}
	}
	if n := inventory(t, l)["cgroups"]; n != before["cgroups"]+1 {
		t.Errorf("the inventory counts %d control groups, and %d before", n, before["cgroups"])
	}
	if out := hyper(t, l, "stats", "--no-stream", "small"); !strings.Contains(out, "67.11 MB") || !strings.Contains(out, "\nsmall ") {
		t.Errorf("stats say %q", out)
	}
	if out := hyper(t, l, "top", "small"); !strings.Contains(out, "sleep 100000") {
		t.Errorf("top says %q", out)
	}

	hyper(t, l, "pause", "small")
	if got := readGroup(t, l, id, g.frozen[0]); !strings.Contains(got, g.frozen[1]) {
		t.Errorf("a paused container's %s is %q", g.frozen[0], got)
	}
	hyper(t, l, "unpause", "small")
	if out := hyper(t, l, "exec", "small", "echo", "goes on"); out != "goes on\n" {
		t.Errorf("exec after a pause says %q", out)
	}

	hog := []string{"dd", "if=/dev/zero", "of=/dev/null", "bs=200M", "count=1"}
	if _, _, code := l.Hyper(append([]string{"run", "--name", "hog", "--size", "s1", "busybox"}, hog...)...); code != 137 {
		t.Errorf("a container that needs more memory than its size has exited with %d", code)
	}
	if out := hyper(t, l, "inspect", "-f", "{{.State.OOMKilled}} {{.State.ExitCode}}", "hog"); out != "true 137\n" {
		t.Errorf("inspect says %q of it", out)
	}
	// Only the process that asked for too much ends, not its container.
	if _, _, code := l.Hyper(append([]string{"exec", "small"}, hog...)...); code != 137 {
		t.Errorf("an exec that needs more memory than the size has exited with %d", code)
	}
	if out := hyper(t, l, "inspect", "-f", "{{.State.Running}}", "small"); out != "true\n" {
		t.Errorf("its container runs: %q", out)
	}

	hyper(t, l, "rm", "-f", "small", "hog")
	wantInventory(t, l, before)
}
