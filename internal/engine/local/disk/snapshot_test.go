package disk

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestLifeOfASnapshot(t *testing.T) {
	ctx := t.Context()
	for name, reflinks := range map[string]func(string) (bool, error){"shared blocks": canReflink, "full copies": nil} {
		t.Run(name, func(t *testing.T) {
			dir := place(t)
			d := newDisks(t, dir)
			if reflinks == nil { // what a machine without XFS and reflinks has
				d.backend, d.pool = backendCopy, d.dir
			}
			create(t, d, ann, one, small)
			f := filepath.Join(attach(t, d, ann, one), "f")
			write(t, f, "before")
			if reflinks == nil {
				if err := d.SnapshotVolume(ctx, ann, one, snap); !errdefs.IsFailedPrecondition(err) {
					t.Errorf("a full copy of an attached volume: %v", err)
				}
				detach(t, d, ann, one)
			}
			for range 2 {
				must(t, d.SnapshotVolume(ctx, ann, one, snap))
			}
			attach(t, d, ann, one)
			write(t, f, "after")
			// A volume of what was, beside what is; both can be attached at a time.
			for range 2 {
				must(t, d.CreateVolumeFrom(ctx, ann, two, snap))
			}
			copied := filepath.Join(attach(t, d, ann, two), "f")
			if got := read(t, copied); got != "before" {
				t.Errorf("the copy has %q", got)
			}
			write(t, copied, "elsewhere")
			if got := read(t, f); got != "after" {
				t.Errorf("the volume has %q", got)
			}
			// In place, but not under somebody's feet.
			if err := d.RestoreVolume(ctx, ann, one, snap); !errdefs.IsFailedPrecondition(err) {
				t.Errorf("restoring an attached volume: %v", err)
			}
			detach(t, d, ann, one)
			must(t, d.RestoreVolume(ctx, ann, one, snap))
			if got := read(t, filepath.Join(attach(t, d, ann, one), "f")); got != "before" {
				t.Errorf("the restored volume has %q", got)
			}
			// Nothing hangs together: the snapshot goes, the volumes stay.
			for range 2 {
				must(t, d.RemoveSnapshot(ctx, ann, snap))
			}
			if err := d.CreateVolumeFrom(ctx, ann, strings.Repeat("3", 64), snap); !errdefs.IsNotFound(err) {
				t.Errorf("a volume of a removed snapshot: %v", err)
			}
			if got := read(t, copied); got != "elsewhere" {
				t.Errorf("the copy has %q", got)
			}
			for _, id := range []string{one, two} {
				detach(t, d, ann, id)
				must(t, d.RemoveVolume(ctx, ann, id))
			}
			if left := filesIn(t, d); len(left) > 0 {
				t.Errorf("files are left: %v", left)
			}
		})
	}
}

func TestSnapshotOfWhatIsNotThere(t *testing.T) {
	ctx := t.Context()
	d := newDisks(t, place(t))
	for what, err := range map[string]error{
		"a volume":             d.SnapshotVolume(ctx, ann, one, snap),
		"a snapshot":           d.CreateVolumeFrom(ctx, ann, one, snap),
		"a volume to restore":  d.RestoreVolume(ctx, ann, one, snap),
		"the usage of nothing": func() error { _, err := d.SnapshotUsage(ctx, ann, snap); return err }(),
	} {
		if !errdefs.IsNotFound(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	create(t, d, ann, one, small)
	must(t, d.SnapshotVolume(ctx, ann, one, snap))
	if err := d.CreateVolumeFrom(ctx, bob, two, snap); !errdefs.IsNotFound(err) {
		t.Errorf("a snapshot of another account's: %v", err)
	}
	if err := d.SnapshotVolume(ctx, ann, one, "../x"); !errdefs.IsInvalidArgument(err) {
		t.Errorf("a name that leads elsewhere: %v", err)
	}
	if left := filesIn(t, d); len(left) != 2 {
		t.Errorf("files are %v, want the volume's and the snapshot's", left)
	}
}

// A writer that never stops sees no error while a hundred snapshots are taken, and each of them is a state that was: the
// records in it are whole and have no gap. They cost what was written, and no more.
func TestSnapshotsUnderAWriter(t *testing.T) {
	ctx := t.Context()
	d := newDisks(t, place(t))
	create(t, d, ann, one, 1<<30)
	dir := attach(t, d, ann, one)
	// What does not change is much more than what does.
	write(t, filepath.Join(dir, "ballast"), strings.Repeat("ballast\n", 8<<20))
	f, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	must(t, err)
	var written atomic.Int64
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		for n := 1; ctx.Err() == nil; n++ {
			if _, err := fmt.Fprintf(f, "%09d\n", n); err != nil {
				ended <- err
				return
			}
			if err := f.Sync(); err != nil {
				ended <- err
				return
			}
			written.Store(int64(n))
		}
		ended <- nil
	}()
	_, before, err := space(d.pool)
	must(t, err)
	const many = 100
	acknowledged := make([]int64, many)
	id := func(n int) string { return fmt.Sprintf("%064x", n+1) }
	for n := range many {
		acknowledged[n] = written.Load()
		must(t, d.SnapshotVolume(t.Context(), ann, one, id(n)))
	}
	stop()
	must(t, <-ended)
	must(t, f.Close())
	_, after, err := space(d.pool)
	must(t, err)
	// Each has a journal and some metadata of its own, far from the 64 MiB that all of them hold.
	if cost := int64(before-after) / many; cost > 8<<20 {
		t.Errorf("a snapshot costs %d bytes", cost)
	}
	for _, n := range []int{0, 1, many / 2, many - 1} {
		must(t, d.CreateVolumeFrom(t.Context(), ann, two, id(n)))
		got := []byte(read(t, filepath.Join(attach(t, d, ann, two), "log")))
		lines := bytes.Split(bytes.TrimSuffix(got, []byte("\n")), []byte("\n"))
		for i, l := range lines {
			if string(l) != fmt.Sprintf("%09d", i+1) && len(got) > 0 {
				t.Fatalf("snapshot %d: record %d is %q", n, i+1, l)
			}
		}
		if int64(len(lines)) < acknowledged[n] {
			t.Errorf("snapshot %d has %d records, %d were on disk before it was taken", n, len(lines), acknowledged[n])
		}
		detach(t, d, ann, two)
		must(t, d.RemoveVolume(t.Context(), ann, two))
	}
	// What nothing else shares is little, and all of it when it is alone.
	one99, err := d.SnapshotUsage(t.Context(), ann, id(many-1))
	must(t, err)
	if one99 > 8<<20 {
		t.Errorf("the last snapshot alone holds %d bytes", one99)
	}
	detach(t, d, ann, one)
	must(t, d.RemoveVolume(t.Context(), ann, one))
	for n := range many - 1 {
		must(t, d.RemoveSnapshot(t.Context(), ann, id(n)))
	}
	// XFS lets go of removed files in its own time.
	var n int64
	for range 100 {
		if n, err = d.SnapshotUsage(t.Context(), ann, id(many-1)); err != nil || n >= 64<<20 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil || n < 64<<20 {
		t.Errorf("the only snapshot that is left holds %d bytes, %v", n, err)
	}
}

// A chain of a hundred snapshots of a database's file takes the room of what was overwritten between them, and of some metadata. Each of them holds what
// the volume held.
func TestChainOfSnapshots(t *testing.T) {
	const (
		many     = 100
		page     = 16 << 10
		pages    = 8 << 10   // 128 MiB
		changed  = 32        // pages from one snapshot to the next: 512 KiB
		metadata = 256 << 10 // what may come to that for each snapshot
	)
	d, err := open(t.Context(), Config{Dir: place(t)}, noReflinks) // on a pool, which tells what is written
	must(t, err)
	create(t, d, ann, one, 1<<30)
	f, err := os.OpenFile(filepath.Join(attach(t, d, ann, one), "f"), os.O_CREATE|os.O_RDWR, 0o600)
	must(t, err)
	// What a page holds says where it is, and when it was written: after which snapshot.
	content := func(at, turn int) []byte {
		return bytes.Repeat([]byte(fmt.Sprintf("%07d %07d\n", at, turn)), page/16)
	}
	writePage := func(at, turn int) {
		_, err := f.WriteAt(content(at, turn), int64(at)*page)
		must(t, err)
	}
	state := make([]int, pages) // the turn in which each page was written
	states := map[int][]int{}   // of some snapshots
	taken := func() int64 { return roomTaken(t, d) }
	for at := range pages {
		writePage(at, 0)
	}
	must(t, f.Sync())
	random := rand.New(rand.NewPCG(1, 2))
	id := func(n int) string { return fmt.Sprintf("%064x", n+1) }
	took := make([]time.Duration, many)
	before := taken()
	for n := range many {
		if n > 0 {
			for _, at := range random.Perm(pages)[:changed] {
				state[at] = n
				writePage(at, n)
			}
			must(t, f.Sync())
		}
		began := time.Now()
		must(t, d.SnapshotVolume(t.Context(), ann, one, id(n)))
		took[n] = time.Since(began)
		if n%33 == 0 {
			states[n] = slices.Clone(state)
		}
	}
	must(t, f.Close())
	cost := taken() - before
	const data = int64((many - 1) * changed * page)
	t.Logf("%d snapshots, with %d MiB overwritten between them, took %d MiB: %d kB of metadata each; the first ones %v, the last ones %v",
		many, data>>20, cost>>20, (cost-data)/many>>10, took[:3], took[many-3:])
	// What is overwritten has to be kept. Besides it each has tables of its own: in the volume a journal that has gone on, and in the pool where its
	// pieces lie.
	if cost < data || cost > data+many*metadata {
		t.Errorf("%d snapshots took %d bytes, of which %d were overwritten between them", many, cost, data)
	}
	for n, state := range states {
		must(t, d.CreateVolumeFrom(t.Context(), ann, two, id(n)))
		got := []byte(read(t, filepath.Join(attach(t, d, ann, two), "f")))
		if len(got) != pages*page {
			t.Fatalf("snapshot %d has %d bytes", n, len(got))
		}
		for at, turn := range state {
			if !bytes.Equal(got[at*page:(at+1)*page], content(at, turn)) {
				t.Fatalf("snapshot %d: page %d begins with %q, not with what was written after snapshot %d", n, at, got[at*page:at*page+16], turn-1)
			}
		}
		detach(t, d, ann, two)
		must(t, d.RemoveVolume(t.Context(), ann, two))
	}
	detach(t, d, ann, one)
}

// roomTaken is what a pool takes of the machine's disk once everything is written. XFS sets more aside for what is going to be overwritten, and
// writes nothing there.
func roomTaken(t *testing.T, d *Disks) int64 {
	t.Helper()
	must(t, syncFS(d.pool))
	fi, err := os.Stat(filepath.Join(d.dir, poolFile))
	must(t, err)
	st, err := sysStat(fi)
	must(t, err)
	return st.Blocks * 512
}

func TestDeathOfSnapshotsBetweenSteps(t *testing.T) {
	ctx := t.Context()
	for _, tc := range []struct{ op, point string }{
		{"snapshot", "snapshot.create.after-file"},
		{"snapshot", "snapshot.create.frozen"},
		{"from-snapshot", "volume.create.after-file"},
		{"restore", "volume.create.after-file"},
	} {
		t.Run(tc.op+" "+tc.point, func(t *testing.T) {
			dir := place(t)
			d := newDisks(t, dir)
			create(t, d, ann, one, small)
			f := filepath.Join(attach(t, d, ann, one), "f")
			write(t, f, "first")
			if tc.op != "snapshot" {
				must(t, d.SnapshotVolume(ctx, ann, one, snap))
				write(t, f, "second")
				detach(t, d, ann, one)
			}
			dieIn(t, tc.op, dir, tc.point)
			d = newDisks(t, dir)
			must(t, d.Reap(ctx, []engine.Keep{{Account: ann, Volumes: []string{one, two}, Snapshots: []string{snap}}}))
			for _, path := range filesIn(t, d) {
				if strings.HasSuffix(path, newSuffix) {
					t.Errorf("%s is left", path)
				}
			}
			switch tc.op {
			case "snapshot":
				done := make(chan struct{})
				go func() { // a volume that stayed frozen would hold this for ever
					write(t, f, "third")
					close(done)
				}()
				select {
				case <-done:
				case <-time.After(10 * time.Second):
					t.Fatal("the volume is frozen")
				}
				must(t, d.SnapshotVolume(ctx, ann, one, snap))
			case "from-snapshot":
				must(t, d.CreateVolumeFrom(ctx, ann, two, snap))
				if got := read(t, filepath.Join(attach(t, d, ann, two), "f")); got != "first" {
					t.Errorf("the copy has %q", got)
				}
			case "restore": // the volume is as it was, until it is done again
				if got := read(t, filepath.Join(attach(t, d, ann, one), "f")); got != "second" {
					t.Errorf("the volume has %q", got)
				}
				detach(t, d, ann, one)
				must(t, d.RestoreVolume(ctx, ann, one, snap))
				if got := read(t, filepath.Join(attach(t, d, ann, one), "f")); got != "first" {
					t.Errorf("the restored volume has %q", got)
				}
			}
		})
	}
}

// What no record tells of may be all that is left of a volume.
func TestReapSetsSnapshotsAside(t *testing.T) {
	d := newDisks(t, place(t))
	create(t, d, ann, one, small)
	must(t, d.SnapshotVolume(t.Context(), ann, one, snap))
	must(t, d.SnapshotVolume(t.Context(), ann, one, two))
	must(t, d.Reap(t.Context(), []engine.Keep{{Account: ann, Snapshots: []string{two}}}))
	if _, err := os.Stat(filepath.Join(d.pool, orphans, ann.ID()+"."+snap+imageSuffix)); err != nil {
		t.Errorf("the unknown snapshot is not set aside: %v", err)
	}
	must(t, d.CreateVolumeFrom(t.Context(), ann, one, two))
	if _, err := d.SnapshotUsage(t.Context(), ann, snap); !errdefs.IsNotFound(err) {
		t.Errorf("the unknown snapshot is in its place: %v", err)
	}
}

// TestExclusive compares what is counted with what a file and its clone hold.
func TestExclusive(t *testing.T) {
	d := newDisks(t, place(t))
	a, b := filepath.Join(d.pool, "a"), filepath.Join(d.pool, "b")
	defer os.Remove(a)
	defer os.Remove(b)
	write(t, a, strings.Repeat("x", 8<<20))
	open := func(path string, flags int) *os.File {
		f, err := os.OpenFile(path, flags, 0o600)
		must(t, err)
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	fa, fb := open(a, os.O_RDWR), open(b, os.O_RDWR|os.O_CREATE)
	count := func(want int64) {
		t.Helper()
		if n, err := exclusive(fa); err != nil || n != want {
			t.Errorf("%d bytes are its own, %v; want %d", n, err, want)
		}
	}
	count(8 << 20)
	must(t, unix.IoctlFileClone(int(fb.Fd()), int(fa.Fd())))
	count(0)
	for i := range 1000 { // more pieces than one call lists
		_, err := fa.WriteAt([]byte("y"), int64(i)*8192)
		must(t, err)
	}
	count(1000 * 4096)
	must(t, os.Truncate(b, 0))
	must(t, fb.Sync())
	count(8 << 20)
}
