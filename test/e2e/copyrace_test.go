package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestCopiesDuringASwap copies through a directory that a process of the container exchanges, in one instant each time, for
// links that lead to the root: the container's, or the machine's for whoever follows them there. What is copied out is the container's,
// what is copied in stays inside, and the client writes where it was told to.
func TestCopiesDuringASwap(t *testing.T) {
	l := newLab(t, "e2ex")
	const rounds, secret, theirs = 70, "what only the machine has", "what the container has"
	// The same path is there below the directory and on the machine, for its user too: nothing but the root is in the way.
	home := filepath.Join(l.Dir, "home")
	marker := filepath.Join(home, "file")
	if err := os.Mkdir(home, 0o777); err != nil { //nolint:gosec // whoever gets out may write there
		t.Fatal(err)
	}
	if err := os.WriteFile(marker, []byte(secret), 0o666); err != nil { //nolint:gosec // or there
		t.Fatal(err)
	}
	for _, p := range []string{home, marker} {
		if err := os.Chmod(p, 0o777); err != nil { //nolint:gosec // whatever the umask is
			t.Fatal(err)
		}
	}
	const swap = `my ($call, $home, $text) = (0 + shift, @ARGV);
my $dir = "/w/d"; mkdir "/w"; mkdir $dir;
foreach (grep { length } split m{/}, $home) { $dir .= "/$_"; mkdir $dir }
open(my $f, ">", "$dir/file"); print $f $text; close $f;
my @links = ("/", "../../../../../../../../..", "/proc/1/root", "/proc/self/root");
symlink $links[$_], "/w/l$_" for 0 .. $#links;
$| = 1; print "swapping\n";
while (1) {
	for my $n (0 .. 64 * @links) {
		my ($one, $other) = ("/w/d", "/w/l" . $n % @links);
		for (1, 2) { syscall($call, -100, $one, -100, $other, 2) == 0 or die "exchanging: $!" }
	}
	select(undef, undef, undef, 0.01); # so that some copies meet the directory
}`
	hyper(t, l, "run", "-d", "--name", "x", "nginx", "perl", "-e", swap, fmt.Sprint(unix.SYS_RENAMEAT2), home, theirs)
	eventually(t, "the swaps begin", func() string {
		if out, errOut, _ := l.Hyper("logs", "x"); out != "swapping\n" {
			return "the container says " + out + errOut
		}
		return ""
	})
	in, out := writeFile(t, l, "brought", "brought"), filepath.Join(l.Dir, "out")
	if err := os.Mkdir(out, 0o700); err != nil {
		t.Fatal(err)
	}
	before := listing(t, l.Dir)
	read, refused, written := 0, 0, 0
	for range rounds {
		said, _, code := l.Hyper("cp", "x:/w/d"+marker, "-")
		switch {
		case strings.Contains(said, secret):
			t.Fatal("the machine's file was copied out")
		case code != 0, strings.Trim(said, "\x00") == "":
			refused++ // the link was there: in the container there is no such file
		case strings.Contains(said, theirs), strings.Contains(said, "brought"):
			read++
		default:
			t.Errorf("copied out (%d bytes): %q", len(said), strings.ReplaceAll(said, "\x00\x00", ""))
		}
		if _, _, code := l.Hyper("cp", in, "x:/w/d"+home+"/"); code == 0 {
			written++
		}
		_, _, _ = l.Hyper("cp", in, "x:/w/d"+marker)
		_, _, _ = l.Hyper("cp", "x:/w/d"+home, out)
	}
	if b, err := os.ReadFile(marker); err != nil || string(b) != secret {
		t.Errorf("the machine's file says %q (%v)", b, err)
	}
	if b, err := os.ReadFile(filepath.Join(out, "home", "file")); err != nil || string(b) == secret {
		t.Errorf("what was copied out last says %q (%v)", b, err)
	}
	if err := os.RemoveAll(filepath.Join(out, "home")); err != nil {
		t.Fatal(err)
	}
	if now := listing(t, l.Dir); now != before {
		t.Errorf("there are other files on the machine:\n%s\nthere were:\n%s", now, before)
	}
	for _, dir := range []string{"/", "/var/tmp"} {
		if _, err := os.Lstat(filepath.Join(dir, "brought")); err == nil {
			t.Errorf("%s was written to", dir)
		}
	}
	if read == 0 || refused == 0 || written == 0 {
		t.Errorf("of %d copies out %d met the directory and %d a link, and %d came in: the race was not run", rounds, read, refused, written)
	}
	t.Logf("copies out: %d of the directory, %d refused; in: %d of %d", read, refused, written, rounds)
	if strings.Contains(l.Log(), "a request failed") {
		t.Error("what the container does to its own files is said to be hyperd's fault")
	}
	if out := hyper(t, l, "exec", "x", "true"); out != "" {
		t.Error(out)
	}
}

// listing names what is in the lab's directory besides what hyperd keeps.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var names []string
	for _, pattern := range []string{"*", "home/*", "out/*"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, found...)
	}
	return strings.Join(names, "\n")
}
