package e2e

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver named sqlite

	"github.com/hypercloud/hyper/test/lab/drive"
)

// TestMachineDiskFull lets one account write more than the machine's disk holds. Its writers are told as of any full disk, another account's
// data stay and can be changed in place, nothing fails, and when there is room again all go on.
func TestMachineDiskFull(t *testing.T) {
	m := &powered{Lab: idleLab(t, "e2ex"), t: t, drive: drive.New(1 << 30), place: "data"}
	m.drives = filepath.Join(m.Dir, "drives")
	m.config = writeFile(t, m.Lab, "hyperd.yml", "limits:\n  volume-pool-gb: 20\n")
	m.insert(m.drive, true)
	if err := m.Start("--config", m.config); err != nil {
		t.Fatal(err)
	}
	hyper(t, m.Lab, "admin", "account", "create", "other")
	hyper(t, m.Lab, "--account", "other", "run", "-d", "--name", "steady", "-v", "data:/data", "busybox", "sh", "-c",
		"dd if=/dev/urandom of=/data/f bs=1M count=16 && dd if=/dev/urandom of=/data/room bs=1M count=300 && sync && touch /data/ready && sync && sleep 100000")
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
	if out, errOut, _ := m.Hyper("info"); strings.Contains(out+errOut, "this machine's disk has") {
		t.Errorf("info warns too early: %s%s", out, errOut)
	}
	hyper(t, m.Lab, "run", "-d", "--name", "greedy", "-v", "big:/data", "busybox", "sleep", "100000")
	greedy := func(command ...string) error {
		if out, errOut, code := m.Hyper(append([]string{"exec", "greedy"}, command...)...); code != 0 {
			return fmt.Errorf("exit %d: %s%s", code, out, errOut)
		}
		return nil
	}
	const full = "No space left on device"
	for _, file := range []string{"/data/f", "/root/f"} { // the first fills the disk, the second finds it full
		err := greedy("dd", "if=/dev/urandom", "of="+file, "bs=1M", "count=3000", "conv=fsync")
		if err == nil || !strings.Contains(err.Error(), full) {
			t.Errorf("3 GB in %s on a disk of 1 GB: %v", file, err)
		}
	}
	steady("while the disk is full")
	if out, errOut, _ := m.Hyper("info"); !strings.Contains(out+errOut, "is full: what is there can be read and changed in place") || !strings.Contains(out, "Promised to Disks") {
		t.Errorf("info does not warn: %s%s", out, errOut)
	}
	if _, errOut, code := m.Hyper("volume", "create", "--name", "more"); code == 0 || !strings.Contains(errOut, "the disk of this machine is full") {
		t.Errorf("a new volume on a full disk: exit %d, %s", code, errOut)
	}
	if out := hyper(t, m.Lab, "ps", "--format", "{{.Names}}"); out != "greedy\n" {
		t.Errorf("hyperd lists %q", out)
	}
	hyper(t, m.Lab, "restart", "-t", "0", "greedy")
	if err := greedy("dd", "if=/dev/urandom", "of=/data/g", "bs=1M", "count=20", "conv=fsync"); err == nil || !strings.Contains(err.Error(), full) {
		t.Errorf("attached again, while the disk is full: %v", err)
	}
	if inspect := hyper(t, m.Lab, "volume", "inspect", "big"); strings.Contains(inspect, "after an error") {
		t.Errorf("the full volume has failed: %s", inspect)
	}

	hyper(t, m.Lab, "--account", "other", "exec", "steady", "sh", "-c", "rm /data/room && sync")
	eventually(t, "with room again the writer goes on", func() string {
		m.sh("sync") // the pool gives room back when it writes its log, by itself within half a minute
		if err := greedy("sh", "-c", "dd if=/dev/urandom of=/data/g bs=1M count=20 conv=fsync && rm /data/f && sync"); err != nil {
			return err.Error()
		}
		return ""
	})
	steady("with room again")
	eventually(t, "with room again there are new volumes", func() string {
		m.sh("sync")
		_, errOut, _ := m.Hyper("run", "--rm", "-v", "again:/data", "busybox", "dd", "if=/dev/urandom", "of=/data/f", "bs=1M", "count=20", "conv=fsync")
		if strings.Contains(errOut, "Error") {
			return errOut
		}
		return ""
	})

	if err := m.Stop(); err != nil {
		t.Fatal(err)
	}
	m.sh("cp $1/data/hyper.db* $1", m.Dir)
	db, err := sql.Open("sqlite", filepath.Join(m.Dir, "hyper.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var health string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&health); err != nil || health != "ok" {
		t.Errorf("hyperd's database is %q, %v", health, err)
	}
}
