package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWorkingDirectoriesOfTheMachine starts processes in every directory that runc could have left open, named by its descriptor: they
// are refused, or find themselves in the container (CVE-2024-21626). And no process has a descriptor that it was not given.
func TestWorkingDirectoriesOfTheMachine(t *testing.T) {
	l := newLab(t, "e2ew")
	const secret = "what only the machine has"
	marker := writeFile(t, l, "secret", secret)
	if err := os.Chmod(marker, 0o644); err != nil { // it is kept by where it is, not by whose it is
		t.Fatal(err)
	}
	hyper(t, l, "pull", "busybox")
	hyper(t, l, "load", "-i", archive(t, l, "linked", map[string]any{}, link("l", "/proc/self/fd")))
	hyper(t, l, "run", "-d", "--name", "up", "busybox", "sleep", "100000")
	hyper(t, l, "run", "-d", "--name", "uplinked", "linked", "busybox", "sleep", "100000")
	before := inventory(t, l)
	out := strings.Repeat("../", 12)
	look := []string{"sh", "-c", "cat " + out + marker + " ." + marker + " 2>/dev/null; ls -a . .. " + out + "var/tmp; echo looked"}
	try := func(where string, args ...string) {
		t.Helper()
		said, errOut, code := l.Hyper(append(args, look...)...)
		if all := said + errOut; strings.Contains(all, secret) || strings.Contains(all, filepath.Base(l.Dir)) {
			t.Errorf("from %s the machine's files are seen: %s", where, all)
		}
		switch {
		case strings.Contains(said, "looked"): // it is in the container
		case code != 0 && !strings.Contains(errOut, "panic") && (strings.Contains(errOut, where) || strings.Contains(errOut, "working directory")):
		default:
			t.Errorf("in %s: exit %d, %q %q", where, code, said, errOut)
		}
	}
	var places []string
	for fd := 3; fd <= 20; fd++ {
		places = append(places, fmt.Sprintf("/proc/self/fd/%d", fd))
	}
	for _, where := range append(places, "/proc/1/cwd", "/proc/self/cwd", "/proc/thread-self/fd/7", "/proc/self/fd/7/"+out) {
		try(filepath.Clean(where), "run", "--rm", "-w", where, "busybox")
		try(filepath.Clean(where), "exec", "-w", where, "up")
	}
	for _, n := range []string{"3", "7", "8"} {
		try("/l/"+n, "run", "--rm", "-w", "/l/"+n, "linked")
		try("/l/"+n, "exec", "-w", "/l/"+n, "uplinked")
	}
	// ls has the directory open that it lists.
	for _, args := range [][]string{{"run", "--rm", "busybox", "ls", "/proc/self/fd"}, {"exec", "up", "ls", "/proc/self/fd"}} {
		if out := strings.Fields(hyper(t, l, args...)); strings.Join(out, " ") != "0 1 2 3" {
			t.Errorf("%v has the descriptors %v", args, out)
		}
	}
	if left := hyper(t, l, "ps", "-aq"); strings.Count(left, "\n") != 2 {
		t.Errorf("containers are left: %s", left)
	}
	wantInventory(t, l, before)
}

// sealed is run in a container. It says "sealed" if what is to be hidden of the kernel is hidden, and what is to be read-only is; and tries
// to write to what a start may have been tricked into showing.
const sealed = `
fail() { echo "open: $*"; exit 0; }
[ -c /dev/null ] || fail /dev/null is no device
for p in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts /proc/sched_debug; do
	[ -e $p ] || continue
	[ -c $p ] || fail "$p is not hidden"
	[ -z "$(cat $p)" ] || fail "$p says something"
	echo hyper-was-here > $p
done
# A volume over /sys holds nothing of the kernel's.
[ "$(busybox stat -f -c %T /sys)" != sysfs ] || [ -z "$(ls -A /sys/firmware)" ] || fail /sys/firmware is not hidden
[ -e /proc/sys ] && [ -c /proc/keys ] || fail /proc is not the none of the kernel
for p in /proc/sys /proc/bus /proc/irq /proc/fs /proc/sysrq-trigger; do
	[ ! -e $p ] || busybox grep -q " $p ro," /proc/self/mountinfo || fail "$p can be written to"
done
for p in /dev/null /dev/full /dev/console /dev/ptmx /dev/pts/0; do
	if [ -e $p ]; then echo hyper-was-here > $p; fi
done 2>/dev/null
echo sealed`

// TestDevicesOfHostileImages starts containers whose own files stand where a start makes devices and mounts, and where it hides the
// kernel's: by an image, by a volume over /dev/pts, and by volumes that a link brings over /dev and /proc. None of it needs a race, which
// would take a volume of two containers that start at a time: a volume is one container's here. Each start is refused, or the kernel's files
// are hidden as ever (CVE-2025-31133, -52565, -52881); what it was made to reach on the machine says what it said.
func TestDevicesOfHostileImages(t *testing.T) {
	l := newLab(t, "e2ev")
	const pattern = "/proc/sys/kernel/core_pattern"
	reached := map[string]string{pattern: "", "/proc/sys/kernel/printk": "", "/proc/sys/vm/swappiness": ""}
	for p := range reached {
		reached[p] = contentOf(t, p)
		t.Cleanup(func() {
			if contentOf(t, p) != reached[p] {
				t.Errorf("the machine's %s is changed", p)
				_ = os.WriteFile(p, []byte(reached[p]), 0o644) //nolint:gosec // the kernel's own
			}
		})
	}
	null, err := os.Stat("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	// As a start looks for devices: each leads to a file of the kernel's.
	devices := func(under string) []entry {
		out := []entry{dir(under)}
		for _, name := range []string{"null", "zero", "full", "console", "ptmx", "tty", "fd", "core"} {
			out = append(out, link(under+"/"+name, pattern))
		}
		return out
	}
	// A /proc of plain files: what is written to one of them by the start goes elsewhere.
	procs := func(under string) []entry {
		return []entry{
			dir(under), dir(under + "/sys"), dir(under + "/sys/net"), dir(under + "/sys/net/ipv4"), link(under+"/sys/net/ipv4/ip_unprivileged_port_start", pattern),
			dir(under + "/self"), dir(under + "/self/attr"), link(under+"/self/attr/exec", pattern), dir(under + "/self/fd"), link(under+"/kcore", pattern),
		}
	}
	type obj = map[string]any
	hyper(t, l, "run", "--rm", "busybox", "true")
	before := inventory(t, l)
	for _, tc := range []struct {
		name   string
		config obj
		over   []entry
		args   []string // of run
	}{
		{"plain", obj{}, nil, nil}, // what sealed says of a container that does no harm
		{"terminal", obj{}, nil, []string{"-t"}},
		{"devices", obj{}, devices("dev"), nil},
		{"devicest", obj{}, devices("dev"), []string{"-t"}},
		{"ptslink", obj{}, []entry{dir("dev"), link("dev/pts", "/proc/sys/kernel"), link("dev/shm", "/proc"), link("dev/mqueue", "/sys")}, []string{"-t"}},
		{"ptsvolume", obj{"Volumes": obj{"/dev/pts": obj{}}}, append(devices("dev/pts"), link("dev/pts/0", pattern)), []string{"-t"}},
		{"ptsvolumeplain", obj{"Volumes": obj{"/dev/pts": obj{}}}, append(devices("dev/pts"), link("dev/pts/0", pattern)), nil},
		{"consolevolume", obj{"Volumes": obj{"/dev/console": obj{}, "/dev/ptmx": obj{}}}, nil, []string{"-t"}},
		{"devvolume", obj{"Volumes": obj{"/out": obj{}}}, append(devices("dev"), link("out", "dev")), nil},
		{"devvolumet", obj{"Volumes": obj{"/out": obj{}}}, append(devices("dev"), link("out", "/dev")), []string{"-t"}},
		{"devdeep", obj{"Volumes": obj{"/out/pts": obj{}}}, append(devices("dev/pts"), link("out", "/dev")), []string{"-t"}},
		{"procvolume", obj{"Volumes": obj{"/out": obj{}}}, append(procs("proc"), link("out", "/proc")), nil},
		{"procsys", obj{"Volumes": obj{"/out/sys": obj{}}}, append(procs("proc"), link("out", "/proc")), nil},
		{"procself", obj{"Volumes": obj{"/out/self": obj{}}}, append(procs("proc"), link("out", "/proc")), nil},
		{"sysvolume", obj{"Volumes": obj{"/out": obj{}}}, []entry{dir("sys"), link("sys/firmware", pattern), link("out", "/sys")}, nil},
		{"systoproc", obj{}, []entry{dir("proc"), link("sys", "proc")}, nil},
		{"proctodev", obj{}, []entry{dir("dev"), link("proc", "dev")}, nil},
		{"procfile", obj{}, []entry{text("proc", "none")}, nil},
		{"devfile", obj{}, []entry{text("dev", "none")}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			hyper(t, l, "load", "-i", archive(t, l, tc.name, tc.config, tc.over...))
			args := append([]string{"run", "--name", "x"}, tc.args...)
			out, errOut, code := l.Hyper(append(args, tc.name, "sh", "-c", sealed)...)
			t.Logf("exit %d: %s%s", code, out, errOut)
			switch {
			case code == 0 && strings.HasSuffix(strings.ReplaceAll(out, "\r\n", "\n"), "sealed\n"):
			case code != 0 && tc.name != "plain" && tc.name != "terminal" && strings.Contains(errOut, "cannot be m") && !strings.Contains(errOut, l.Dir):
			default:
				t.Errorf("exit %d, %q %q", code, out, errOut)
			}
			hyper(t, l, "rm", "-fv", "x")
			hyper(t, l, "rmi", tc.name)
			for p, said := range reached {
				if now := contentOf(t, p); now != said {
					t.Errorf("the machine's %s says %q, was %q", p, now, said)
				}
			}
		})
	}
	t.Run("of a running container", func(t *testing.T) {
		hyper(t, l, "run", "-d", "--name", "x", "busybox", "sh", "-c", "rm -f /dev/ptmx /dev/console; ln -s "+pattern+" /dev/ptmx; ln -s "+pattern+" /dev/console; ln -s "+pattern+" /dev/tty9; sleep 100000")
		eventually(t, "it has changed its devices", func() string {
			out, errOut, _ := l.Hyper("exec", "x", "readlink", "/dev/tty9")
			return strings.TrimSuffix(out+errOut, pattern+"\n")
		})
		out, errOut, code := l.Hyper("exec", "-t", "x", "sh", "-c", sealed)
		if code != 0 || !strings.HasSuffix(out, "sealed\r\n") {
			t.Errorf("exit %d, %q %q", code, out, errOut)
		}
		hyper(t, l, "rm", "-f", "x")
		if now := contentOf(t, pattern); now != reached[pattern] {
			t.Errorf("the machine's %s says %q", pattern, now)
		}
	})
	if now, err := os.Stat("/dev/null"); err != nil || now.Mode() != null.Mode() || !os.SameFile(now, null) {
		t.Errorf("the machine's /dev/null is another: %v %v", now, err)
	}
	wantInventory(t, l, before)
}

func contentOf(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
