package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/test/lab"
)

// mayGrow tells whether the kernel lets the lab's hyperd, which has this process's rights, grow a file system that is in use.
func mayGrow(t *testing.T) bool {
	t.Helper()
	var have [2]unix.CapUserData
	if err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &have[0]); err != nil {
		t.Fatal(err)
	}
	return have[0].Effective>>unix.CAP_SYS_RESOURCE&1 == 1
}

// writers append to a file and write another one over and over, flushed each time. Who meets an error says so, and ends.
const writers = `echo kept >/data/f
(n=0; while n=$((n+1)); do echo $n >>/data/log || { echo "appending $n" >>/failed; exit; }; done) 2>>/failed &
n=0; while n=$((n+1)); do echo $n | dd of=/data/flushed conv=fsync 2>/said || { cat /said >>/failed; exit; }; echo $n >/flushes; done`

// megabytes is the size of a container's volume as programs in the container see it.
func megabytes(t *testing.T, l *lab.Lab, container string) int {
	t.Helper()
	fields := strings.Fields(hyper(t, l, "exec", container, "sh", "-c", "df -Pm /data | tail -n 1"))
	if len(fields) < 2 {
		t.Fatalf("df says %v", fields)
	}
	n, err := strconv.Atoi(fields[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestResizeInUse makes a volume larger while a container writes to it. Without CAP_SYS_RESOURCE the kernel lets nobody do so: then the user is
// told, and nothing has changed. `make test-vm` runs this test with it.
func TestResizeInUse(t *testing.T) {
	l := newLab(t, "e2erz")
	hyper(t, l, "volume", "create", "--name", "data", "--size", "10")
	hyper(t, l, "run", "-d", "--name", "c", "-v", "data:/data", "busybox", "sh", "-c", writers)
	count := func(file string) int {
		n, _ := strconv.Atoi(strings.TrimSpace(hyper(t, l, "exec", "c", "sh", "-c", "tail -n 1 "+file+" 2>/dev/null || true")))
		return n
	}
	writing := func(when string) {
		t.Helper()
		log, flushes := count("/data/log"), count("/flushes")
		eventually(t, "both write "+when, func() string {
			if a, b := count("/data/log"), count("/flushes"); a <= log || b <= flushes {
				return fmt.Sprintf("appended %d, then %d; flushed %d, then %d", log, a, flushes, b)
			}
			return ""
		})
	}
	writing("before")
	before := megabytes(t, l, "c")

	want := []int{30, 50} // GB
	if !mayGrow(t) {
		_, errOut, code := l.Hyper("volume", "resize", "data", "30")
		if code == 0 || !strings.Contains(errOut, "stop the container first") {
			t.Errorf("without the right to: exit %d, %s", code, errOut)
		}
		if after := megabytes(t, l, "c"); after != before {
			t.Errorf("a resize that was refused has made it %d MB, from %d", after, before)
		}
		want = nil
	}
	size := "10"
	for _, gb := range want {
		size = strconv.Itoa(gb)
		if out := hyper(t, l, "volume", "resize", "data", size); out != "data\n" {
			t.Errorf("resize says %q", out)
		}
		if after := megabytes(t, l, "c"); after < gb*960 || after > gb*1024 {
			t.Errorf("of %s GB, df says %d MB, and %d before", size, after, before)
		}
		writing("at " + size + " GB")
	}
	if out := hyper(t, l, "volume", "inspect", "-f", "{{.Labels.size}}", "data"); out != size+"\n" {
		t.Errorf("the volume has %q GB, not %s", out, size)
	}
	if failed := hyper(t, l, "exec", "c", "sh", "-c", "cat /failed"); failed != "" {
		t.Errorf("a writer met an error: %s", failed)
	}

	// All of it is there after the disk was let go of and attached anew, and the log has no gap.
	hyper(t, l, "rm", "-f", "c")
	check := `cat /data/f; df -Pm /data | tail -n 1 | awk '{print $2}'; awk '$1 != NR {print "record " NR " is " $1; exit}' /data/log; seq 2000 >/data/more && wc -l </data/more`
	var kept string
	var mb, more int
	out := hyper(t, l, "run", "--rm", "-v", "data:/data", "busybox", "sh", "-c", check)
	gb, err := strconv.Atoi(size)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := fmt.Sscan(out, &kept, &mb, &more); n != 3 || kept != "kept" || mb < gb*960 || mb > gb*1024 || more != 2000 || strings.Count(out, "\n") != 3 {
		t.Errorf("afterwards it holds %q, %v", out, err)
	}
	hyper(t, l, "volume", "rm", "data")
}
