package e2e

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hypercloud/hyper/test/lab"
	"github.com/hypercloud/hyper/test/lab/drive"
)

// TestPowerCut commits rows to a database on a volume while the machine's power is cut at many moments, on a disk whose cache
// is lost then. What was acknowledged before a cut is there after it, and nothing is damaged.
func TestPowerCut(t *testing.T) {
	const cuts = 50
	m := newPowered(t, "e2ew")
	seed := rand.Uint64()
	t.Logf("the cuts are those of seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))

	db := m.commit()
	var all []cut
	for range cuts {
		all = append(all, m.cut(r, db))
	}
	db.stop()
	for i, c := range all {
		if found, err := m.recover(c); err != nil {
			t.Errorf("cut %d, after row %d: %v", i, c.acknowledged, err)
		} else if found < c.acknowledged {
			t.Errorf("cut %d: row %d was acknowledged, and the last one that is there is %d", i, c.acknowledged, found)
		}
	}
	t.Logf("the first cut was after row %d, the last after row %d", all[0].acknowledged, all[cuts-1].acknowledged)

	t.Run("hyperd and the container come up again", func(t *testing.T) {
		if err := m.Reboot(); err != nil {
			t.Fatal(err)
		}
		last := all[cuts-1]
		m.insert(last.drive, false)
		if err := m.Start("--config", m.config); err != nil {
			t.Fatal(err)
		}
		hyper(t, m.Lab, "start", "db")
		eventually(t, "the database", func() string {
			out, errOut, _ := m.Hyper("exec", "db", "mysql", "-uroot", "-p"+rootPassword, "-N", "-e", "SELECT MAX(n) FROM test.t")
			if n, err := strconv.ParseInt(strings.TrimSpace(out), 10, 64); err != nil || n < last.acknowledged {
				return fmt.Sprintf("row %d was acknowledged, and the last one is %q %s", last.acknowledged, out, errOut)
			}
			return ""
		})
	})
}

// TestPowerCutIsNoticed takes from a volume what makes it safe: then commits are lost, or the cuts would prove nothing.
func TestPowerCutIsNoticed(t *testing.T) {
	m := newPowered(t, "e2eu")
	m.sh("mount -o remount,barrier=0 $1", filepath.Dir(m.data))
	r := rand.New(rand.NewPCG(1, 0))
	db := m.commit()
	var all []cut
	for range 10 {
		all = append(all, m.cut(r, db))
	}
	db.stop()
	for i, c := range all {
		if found, err := m.recover(c); err != nil || found < c.acknowledged {
			t.Logf("cut %d: row %d was acknowledged, and the last one that is there is %d, %v", i, c.acknowledged, found, err)
			return
		}
	}
	t.Error("a volume whose file system flushes nothing lost no row in ten cuts")
}

const rootPassword = "12345678"

// powered is a lab that keeps volumes on a drive, with a database on one of them.
type powered struct {
	*lab.Lab
	t      *testing.T
	config string
	place  string // what of the lab's directory is on the drive
	drives string // directory of the rack
	rack   *drive.Rack
	drive  *drive.Drive
	data   string // directory of the database's volume, on the lab's machine
	image  string // of that volume, in the pool
	root   string // the database's programs
}

func newPowered(t *testing.T, instance string) *powered {
	t.Helper()
	m := &powered{Lab: idleLab(t, instance), t: t, drive: drive.New(3 << 30), place: "data/volumes"}
	m.drives = filepath.Join(m.Dir, "drives")
	m.config = writeFile(t, m.Lab, "hyperd.yml", "limits:\n  volume-pool-gb: 2\n")
	m.insert(m.drive, true)
	if err := m.Start("--config", m.config); err != nil {
		t.Fatal(err)
	}
	hyper(t, m.Lab, "run", "-d", "--name", "db", "-e", "MYSQL_ROOT_PASSWORD="+rootPassword, "mysql")
	eventually(t, "the database", func() string {
		out, errOut, code := m.Hyper("exec", "db", "mysql", "-h127.0.0.1", "-uroot", "-p"+rootPassword, "-e",
			"CREATE DATABASE test; CREATE TABLE test.t (n BIGINT PRIMARY KEY, filler BLOB) ENGINE=InnoDB")
		if code != 0 {
			return out + errOut
		}
		return ""
	})
	m.data = m.sh("ls -d $1/run/volumes/mnt/*/*/data", m.Dir)
	volume := filepath.Dir(m.data)
	m.image = filepath.Join(filepath.Base(filepath.Dir(volume)), filepath.Base(volume)+".img")

	// The programs that recover copies are the container's own.
	m.root = filepath.Join(m.Dir, "programs")
	pid := strings.TrimSpace(hyper(t, m.Lab, "inspect", "-f", "{{.State.Pid}}", "db"))
	m.sh("mkdir $1 && tar -C /proc/$2/root --one-file-system -c . | tar -C $1 -x && rm -rf $1/tmp/*", m.root, pid)
	return m
}

// sh runs a script on the lab's machine.
func (m *powered) sh(script string, args ...string) string {
	m.t.Helper()
	out, err := m.script(script, args...)
	if err != nil {
		m.t.Fatal(err)
	}
	return out
}

func (m *powered) script(script string, args ...string) (string, error) {
	out, err := m.Command(context.Background(), "sh", append([]string{"-euc", script, "sh"}, args...)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// insert mounts the drive at its place.
func (m *powered) insert(d *drive.Drive, format bool) {
	m.t.Helper()
	m.sh("mkdir -p $1 $2", m.drives, filepath.Join(m.Dir, m.place))
	err := m.Inside(func() (err error) {
		m.rack, err = drive.Mount(m.drives)
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	m.rack.Insert("disk", d)
	disk := filepath.Join(m.drives, "disk")
	if format {
		m.sh("mkfs.ext4 -q -F -E nodiscard $1", disk)
	}
	// A device that caches would hide what is not flushed. The first user of a device that clears itself keeps it until the mount does.
	m.sh(`device=$(losetup --find --show --direct-io=on $1); mount $device $2; losetup -d $device`, disk, filepath.Join(m.Dir, m.place))
}

// writer commits rows, one after the other.
type writer struct {
	acknowledged atomic.Int64 // the last row that the database said it has
	stop         func()
}

func (m *powered) commit() *writer {
	m.t.Helper()
	cmd := exec.Command(filepath.Join(m.Bin, "hyper"), "exec", "-i", "db", "mysql", "-uroot", "-p"+rootPassword, "-N", "--unbuffered", "test")
	cmd.Env = append(os.Environ(), "HYPER_HOST="+m.Host(), "HYPER_CONFIG="+filepath.Join(m.Dir, "config"))
	in, err := cmd.StdinPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	w, answers, done := &writer{}, bufio.NewScanner(out), make(chan error, 1)
	var stopping atomic.Bool
	go func() {
		for n := int64(1); !stopping.Load(); n++ {
			if _, err := fmt.Fprintf(in, "INSERT INTO t VALUES (%d, REPEAT('x', %d)); SELECT %[1]d;\n", n, n%2000); err != nil {
				done <- err
				return
			}
			if !answers.Scan() || answers.Text() != strconv.FormatInt(n, 10) {
				done <- fmt.Errorf("row %d was answered by %q", n, answers.Text())
				return
			}
			w.acknowledged.Store(n)
		}
		done <- nil
	}()
	eventually(m.t, "the database commits", func() string {
		if n := w.acknowledged.Load(); n < 10 {
			return fmt.Sprintf("%d rows", n)
		}
		return ""
	})
	w.stop = func() {
		stopping.Store(true)
		if err := <-done; err != nil {
			m.t.Fatalf("the database stopped committing: %v", err)
		}
		_ = in.Close()
		_ = cmd.Wait()
	}
	return w
}

// cut is a power cut.
type cut struct {
	drive        *drive.Drive
	acknowledged int64 // before it
}

// cut waits for some moment and cuts the power in a copy of the machine's disk.
func (m *powered) cut(r *rand.Rand, w *writer) cut {
	time.Sleep(time.Duration(r.IntN(400)) * time.Millisecond)
	acknowledged := w.acknowledged.Load()
	return cut{m.drive.Cut(r), acknowledged}
}

// recover mounts what a cut has left, checks it, lets the database recover, and returns the last row that is there.
func (m *powered) recover(c cut) (last int64, err error) {
	m.rack.Insert("copy", c.drive.Cut(rand.New(rand.NewPCG(0, 0))))
	defer m.rack.Remove("copy")
	out, err := m.script(`unshare -m sh -euc '
		copy=$1 image=$2 root=$3
		mount -t tmpfs tmpfs /mnt
		mkdir /mnt/host /mnt/pool /mnt/volume
		mount -o loop $copy /mnt/host
		mount -o loop,nouuid -t xfs /mnt/host/pool.xfs /mnt/pool
		mount -o loop -t ext4 /mnt/pool/$image /mnt/volume
		umount /mnt/volume
		e2fsck -fn /mnt/pool/$image >&2
		mount -o loop -t ext4 /mnt/pool/$image /mnt/volume
		mount --bind /mnt/volume/data $root/var/lib/mysql
		mount -t tmpfs tmpfs $root/tmp
		printf "%s\n" "SELECT MAX(n) INTO OUTFILE \"/tmp/last\" FROM test.t;" "SELECT COUNT(*) INTO OUTFILE \"/tmp/count\" FROM test.t;" |
			chroot $root mariadbd --user=root --bootstrap --skip-grant-tables --innodb-flush-log-at-trx-commit=0 >$root/tmp/log 2>&1 || { cat $root/tmp/log >&2; exit 1; }
		cat $root/tmp/last $root/tmp/count
	' sh $1 $2 $3 2>$4 || { tail -n 40 $4; exit 1; }`, filepath.Join(m.drives, "copy"), m.image, m.root, filepath.Join(m.Dir, "recovery.log"))
	if err != nil {
		return 0, err
	}
	var count int64
	if _, err := fmt.Sscan(out, &last, &count); err != nil {
		return 0, fmt.Errorf("the database says %q", out)
	}
	if count != last {
		return last, fmt.Errorf("the last row is %d, and %d are there", last, count)
	}
	return last, nil
}
