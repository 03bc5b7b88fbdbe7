package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMountsDuringASwap starts containers that mount a volume inside a volume which they share with one that exchanges the place, in one
// instant each time, for links that lead out: to the root, the machine's through /proc, and what is hidden. A start is refused or mounts
// where it was told to; nothing of the machine is seen, written or mounted over, and what is hidden stays hidden.
func TestMountsDuringASwap(t *testing.T) {
	l := newLab(t, "e2ey")
	const rounds = 60
	marker := filepath.Join(l.Dir, "marker")
	if err := os.WriteFile(marker, []byte("the machine's"), 0o666); err != nil { //nolint:gosec // whoever gets out may write there
		t.Fatal(err)
	}
	const swap = `my $call = 0 + shift;
mkdir "/w/d"; mkdir "/w/d/in";
my @links = ("/", "../../../../../../../..", "/proc/1/root", "/proc/self/fd", "/proc/sys", "/proc/self/attr", "/dev");
symlink $links[$_], "/w/l$_" for 0 .. $#links;
$| = 1; print "swapping\n";
while (1) {
	for my $n (0 .. 64 * @links) {
		my ($one, $other) = ("/w/d", "/w/l" . $n % @links);
		for (1, 2) { syscall($call, -100, $one, -100, $other, 2) == 0 or die "exchanging: $!" }
	}
	select(undef, undef, undef, 0.005); # so that some starts meet the directory
}`
	hyper(t, l, "run", "-d", "--name", "swapper", "-v", "shared:/w", "nginx", "perl", "-e", swap, fmt.Sprint(unix.SYS_RENAMEAT2))
	eventually(t, "the swaps begin", func() string {
		if out, errOut, _ := l.Hyper("logs", "swapper"); out != "swapping\n" {
			return "the container says " + out + errOut
		}
		return ""
	})
	hyper(t, l, "pull", "busybox")
	before := mountTable(t, l.Dir)
	started, refused := 0, 0
	for n := range rounds {
		// What it mounts, what it sees at the root, and whether what is hidden is.
		out, errOut, code := l.Hyper("run", "--rm", "--volumes-from", "swapper", "-v", "mine:/w/d/in", "busybox", "sh", "-c",
			`grep -c " /w/d/in \| /w/l[0-9]*/in " /proc/self/mountinfo; ls /; cat `+marker+`; head -c 1 /proc/kcore; echo x > /proc/sys/kernel/hostname; true`)
		switch {
		case strings.Contains(out, "the machine's"):
			t.Fatalf("round %d: the machine's files are seen:\n%s", n, out)
		case code == 0:
			started++
			if strings.Contains(out, "hyper-lab") {
				t.Fatalf("round %d: the machine's root is seen:\n%s", n, out)
			}
		default:
			refused++
			if errOut == "" {
				t.Errorf("round %d: refused without a word", n)
			}
		}
	}
	if b, err := os.ReadFile(marker); err != nil || string(b) != "the machine's" {
		t.Errorf("the machine's file says %q (%v)", b, err)
	}
	eventually(t, "the machine's mounts are as before", func() string {
		if after := mountTable(t, l.Dir); after != before {
			return fmt.Sprintf("they were\n%s\nand are\n%s", before, after)
		}
		return ""
	})
	if started == 0 {
		t.Errorf("no start met the directory (%d were refused): the test tests nothing", refused)
	}
	t.Logf("%d starts mounted, %d were refused", started, refused)
	hyper(t, l, "rm", "-fv", "swapper")
	hyper(t, l, "volume", "rm", "shared", "mine")
}

// mountTable lists the mounts of the test's own machine that have to do with the lab, without those that come and go with containers.
func mountTable(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, line := range strings.Split(string(b), "\n") {
		if f := strings.Fields(line); len(f) > 4 && !strings.HasPrefix(f[4], dir) {
			out = append(out, f[4])
		}
	}
	return strings.Join(out, "\n")
}
