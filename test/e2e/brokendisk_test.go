package e2e

import (
	"bufio"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/hypercloud/hyper/test/lab/drive"
)

// TestBrokenPlaceOnDisk lets the machine's disk fail where one volume lies. Its writers get an error and it turns read-only, which its owner and the
// log are told; another account's volume in the same pool goes on. When the disk is mended, a restart of the container
// repairs the volume, and what was synced is there.
func TestBrokenPlaceOnDisk(t *testing.T) {
	m := &powered{Lab: idleLab(t, "e2et"), t: t, drive: drive.New(2 << 30), place: "data/volumes"}
	m.drives = filepath.Join(m.Dir, "drives")
	m.config = writeFile(t, m.Lab, "hyperd.yml", "limits:\n  volume-pool-gb: 2\n")
	m.insert(m.drive, true)
	if err := m.Start("--config", m.config); err != nil {
		t.Fatal(err)
	}
	hyper(t, m.Lab, "run", "-d", "--name", "c", "-v", "data:/data", "busybox", "sleep", "100000")
	image := m.sh("ls $1/run/volumes/pool/*/*.img | grep -v roots", m.Dir)
	hyper(t, m.Lab, "admin", "account", "create", "other")
	hyper(t, m.Lab, "--account", "other", "run", "-d", "--name", "c", "-v", "data:/data", "busybox", "sleep", "100000")
	write := func(n string, to ...string) error {
		_, errOut, code := m.Hyper(append(to, "exec", "c", "sh", "-c", "mkdir /data/d"+n+" && echo "+n+" > /data/d"+n+"/f && sync /data/d"+n+"/f /data/d"+n)...)
		if code != 0 {
			return errors.New(errOut)
		}
		return nil
	}
	if err := write("1"); err != nil {
		t.Fatal(err)
	}
	m.sh("sync -f $1", image)

	broken := m.pagesOf(filepath.Join(m.Dir, "data/volumes/pool.xfs"), m.pagesOf(image, nil))
	if len(broken) < 1000 {
		t.Fatalf("the volume's image has %d pages on the drive: its journal alone has more", len(broken))
	}
	m.drive.Break(func(n int64) bool { return broken[n] })
	tries := 1
	eventually(t, "the volume fails", func() string {
		tries++
		_ = write(strconv.Itoa(tries)) // the first one fails as it is synced; the file system knows when it begins the next
		if inspect := hyper(t, m.Lab, "volume", "inspect", "data"); !strings.Contains(inspect, "read-only after an error") {
			return inspect
		}
		return ""
	})
	if err := write("never"); err == nil || !strings.Contains(err.Error(), "Read-only file system") {
		t.Errorf("writing to it: %v", err)
	}
	if err := write("2", "--account", "other"); err != nil {
		t.Errorf("the other account's volume: %v", err)
	}
	hyper(t, m.Lab, "run", "--rm", "-v", "fresh:/data", "busybox", "sh", "-c", "echo x > /data/f && sync")
	eventually(t, "the owner is told by an event", func() string {
		if out := hyper(t, m.Lab, "events", "--since", "10m", "--until", "0s", "--filter", "type=volume"); !strings.Contains(out, "volume failed data") {
			return out
		}
		return ""
	})
	if !strings.Contains(m.Log(), "a volume met an error of the machine's disk") {
		t.Error("the log does not tell")
	}
	if out := hyper(t, m.Lab, "--account", "other", "events", "--since", "10m", "--until", "0s"); strings.Contains(out, "volume failed") {
		t.Errorf("another account is told: %s", out)
	}

	m.drive.Break(nil)
	hyper(t, m.Lab, "restart", "-t", "0", "c")
	if out := hyper(t, m.Lab, "exec", "c", "cat", "/data/d1/f"); out != "1\n" {
		t.Errorf("what was synced reads %q", out)
	}
	if err := write("after"); err != nil {
		t.Errorf("after the restart: %v", err)
	}
}

// pagesOf are the pages of 4096 bytes that a file has on the device below its file system; of the file's pages, those in only, if it is not nil.
func (m *powered) pagesOf(file string, only map[int64]bool) map[int64]bool {
	m.t.Helper()
	pages := map[int64]bool{}
	lines := bufio.NewScanner(strings.NewReader(m.sh("filefrag -e -b4096 $1", file)))
	for lines.Scan() {
		// "   0:        0..      10:      34560..     34570:     11:  ..."
		part := strings.Split(lines.Text(), ":")
		if len(part) < 4 {
			continue
		}
		first, ok := start(part[1])
		at, ok2 := start(part[2])
		count, err := strconv.ParseInt(strings.TrimSpace(part[3]), 10, 64)
		if !ok || !ok2 || err != nil {
			continue
		}
		for i := range count {
			if only == nil || only[first+i] {
				pages[at+i] = true
			}
		}
	}
	return pages
}

// start reads where "first.. last" begins.
func start(s string) (int64, bool) {
	first, _, ok := strings.Cut(s, "..")
	n, err := strconv.ParseInt(strings.TrimSpace(first), 10, 64)
	return n, ok && err == nil
}
