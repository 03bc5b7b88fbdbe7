package e2e

import (
	"strings"
	"testing"
)

// TestRootDisk fills a container's root file system: it is full at its size, and nobody else notices.
func TestRootDisk(t *testing.T) {
	l := newLab(t, "e2ed")
	if _, warnings, _ := l.Hyper("info"); strings.Contains(warnings, "not limited") {
		t.Errorf("root file systems are limited, and info says %q", warnings)
	}
	hyper(t, l, "run", "-d", "--name", "ten", "busybox", "sleep", "100000")
	if out := hyper(t, l, "exec", "ten", "df", "-h", "/"); !strings.Contains(out, " 9.") {
		t.Errorf("a root disk of 10 GB is\n%s", out)
	}
	if err := l.Stop(); err != nil {
		t.Fatal(err)
	}
	conf := writeFile(t, l, "small.yml", "limits:\n  rootfs-gb: 1\n")
	if err := l.Start("--config", conf); err != nil {
		t.Fatal(err)
	}
	before := inventory(t, l)
	hyper(t, l, "run", "-d", "--name", "greedy", "busybox", "sleep", "100000")
	out, errOut, code := l.Hyper("exec", "greedy", "sh", "-c", "fallocate -l 900m /a && dd if=/dev/zero of=/b bs=1M count=200")
	if code == 0 || !strings.Contains(out+errOut, "No space left on device") {
		t.Errorf("1.1 GB on a disk of 1 GB: exit %d, %s%s", code, out, errOut)
	}
	hyper(t, l, "run", "--rm", "busybox", "dd", "if=/dev/zero", "of=/f", "bs=1M", "count=5")
	if out := hyper(t, l, "exec", "greedy", "sh", "-c", "rm /b; echo again > /c; cat /c"); out != "again\n" {
		t.Errorf("with room again it says %q", out)
	}
	size := func() string { return hyper(t, l, "ps", "-as", "--filter", "name=greedy", "--format", "{{.Size}}") }
	if out := size(); !strings.HasPrefix(out, "943.7 MB") {
		t.Errorf("ps -s says %q of 900 MiB", out)
	}
	hyper(t, l, "stop", "-t", "0", "greedy")
	if out := size(); !strings.HasPrefix(out, "943.7 MB") {
		t.Errorf("stopped, ps -s says %q of 900 MiB", out)
	}
	hyper(t, l, "start", "greedy")
	if out := hyper(t, l, "exec", "greedy", "cat", "/c"); out != "again\n" {
		t.Errorf("after stop and start it says %q", out)
	}
	// What was made with 10 GB keeps them.
	hyper(t, l, "restart", "-t", "0", "ten")
	if out := hyper(t, l, "exec", "ten", "df", "-h", "/"); !strings.Contains(out, " 9.") {
		t.Errorf("a root disk of 10 GB is now\n%s", out)
	}
	hyper(t, l, "rm", "-f", "greedy")
	wantInventory(t, l, before)

	if err := l.Stop(); err != nil {
		t.Fatal(err)
	}
	conf = writeFile(t, l, "none.yml", "limits:\n  rootfs-gb: 0\n")
	if err := l.Start("--config", conf); err != nil {
		t.Fatal(err)
	}
	if _, warnings, _ := l.Hyper("info"); !strings.Contains(warnings, "not limited") {
		t.Errorf("without a limit, info says %q", warnings)
	}
	if out := hyper(t, l, "run", "--rm", "busybox", "df", "-h", "/"); strings.Contains(out, " 9.") {
		t.Errorf("without a limit, df says\n%s", out)
	}
	// Either kind goes on under either setting.
	hyper(t, l, "run", "-d", "--name", "free", "busybox", "sh", "-c", "echo x >> /f; sleep 100000")
	if err := l.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	hyper(t, l, "restart", "-t", "0", "free")
	eventually(t, "a container without a disk keeps its files", func() string {
		if out := hyper(t, l, "exec", "free", "cat", "/f"); out != "x\nx\n" {
			return out
		}
		return ""
	})
	hyper(t, l, "rm", "-f", "free", "ten")
}
