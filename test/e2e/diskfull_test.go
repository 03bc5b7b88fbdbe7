package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hypercloud/hyper/test/lab/drive"
)

// TestMachineDiskFull lets one account write more than the machine's disk holds. Its writers are told, another account's data stay
// and can be changed in place, and when there is room again all go on.
func TestMachineDiskFull(t *testing.T) {
	m := &powered{Lab: idleLab(t, "e2ex"), t: t, drive: drive.New(1 << 30)}
	m.drives = filepath.Join(m.Dir, "drives")
	m.config = writeFile(t, m.Lab, "hyperd.yml", "limits:\n  volume-pool-gb: 20\n")
	m.insert(m.drive, true)
	if err := m.Start("--config", m.config); err != nil {
		t.Fatal(err)
	}
	hyper(t, m.Lab, "admin", "account", "create", "other")
	hyper(t, m.Lab, "--account", "other", "run", "-d", "--name", "steady", "-v", "data:/data", "busybox", "sh", "-c",
		"dd if=/dev/urandom of=/data/f bs=1M count=16 && sync && touch /data/ready && sync && sleep 100000")
	eventually(t, "the steady container has its data", func() string {
		_, errOut, _ := m.Hyper("--account", "other", "exec", "steady", "cat", "/data/ready")
		return errOut
	})
	steady := func(when string) {
		t.Helper()
		hyper(t, m.Lab, "--account", "other", "exec", "steady", "sh", "-c",
			"dd if=/dev/urandom of=/data/f bs=1M count=16 conv=notrunc,fsync && cat /data/f >/dev/null")
		t.Logf("the other account wrote in place %s", when)
	}
	steady("before")
	hyper(t, m.Lab, "run", "-d", "--name", "greedy", "-v", "big:/data", "busybox", "sleep", "100000")
	out, errOut, code := m.Hyper("exec", "greedy", "dd", "if=/dev/urandom", "of=/data/f", "bs=1M", "count=3000", "conv=fsync")
	if code == 0 {
		t.Errorf("3 GB on a disk of 1 GB: exit %d, %s%s", code, out, errOut)
	}
	t.Logf("the greedy one is told: %s%s", out, errOut)
	t.Logf("%s", m.sh("dmesg | tail -n 15; df -h $1/data/volumes $1/run/volumes/pool", m.Dir))
	steady("while the disk is full")
	if _, errOut, code := m.Hyper("volume", "create", "--name", "more"); code == 0 || !strings.Contains(errOut, "the disk of this machine is full") {
		t.Errorf("a new volume on a full disk: exit %d, %s", code, errOut)
	}
	hyper(t, m.Lab, "rm", "-f", "greedy")
	hyper(t, m.Lab, "volume", "rm", "big")
	steady("afterwards")
	hyper(t, m.Lab, "run", "--rm", "-v", "again:/data", "busybox", "dd", "if=/dev/urandom", "of=/data/f", "bs=1M", "count=50", "conv=fsync")
}
