package disk

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"
)

func TestSecondHyperdAdopts(t *testing.T) {
	dir := place(t)
	first := newDisks(t, dir)
	create(t, first, ann, one, small)
	content := attach(t, first, ann, one)
	write(t, filepath.Join(content, "f"), "x")
	mounts, loops := mountsIn(t, dir), loopsIn(t, dir)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := newDisks(t, dir)
	if got := attach(t, second, ann, one); got != content || read(t, filepath.Join(got, "f")) != "x" {
		t.Errorf("adopted at %s, was %s", got, content)
	}
	if m, l := mountsIn(t, dir), loopsIn(t, dir); len(m) != len(mounts) || len(l) != len(loops) {
		t.Errorf("mounts are %v and devices %v; were %v and %v", m, l, mounts, loops)
	}
	detach(t, second, ann, one)
}

// TestReboot unmounts everything, as a reboot does.
func TestReboot(t *testing.T) {
	dir, run := place(t), place(t)
	link := filepath.Join(t.TempDir(), "run")
	if err := os.Symlink(run, link); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Dir: dir, RunDir: link, PoolSize: 2 << 30}
	d, err := New(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	create(t, d, ann, one, small)
	content := attach(t, d, ann, one)
	if !strings.HasPrefix(content, run) {
		t.Errorf("mounted at %s, want a place in %s", content, run)
	}
	write(t, filepath.Join(content, "f"), "x")
	if total, _, _ := space(d.pool); total < 18<<26 || total > 2<<30 {
		t.Errorf("the pool has %d bytes", total)
	}
	detach(t, d, ann, one)
	if err := syscall.Unmount(d.pool, 0); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(run, "mnt")); err != nil {
		t.Fatal(err)
	}
	d, err = New(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if read(t, filepath.Join(attach(t, d, ann, one), "f")) != "x" {
		t.Error("the content is lost")
	}
	detach(t, d, ann, one)
}

func TestForeignPool(t *testing.T) {
	dir := place(t)
	newDisks(t, dir)
	// The data directory was replaced under a mounted pool.
	if err := os.Rename(filepath.Join(dir, poolFile), filepath.Join(dir, "old")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, poolFile), "new")
	_, err := New(context.Background(), Config{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "unmount it first") {
		t.Errorf("error is %v", err)
	}
}

func TestBackends(t *testing.T) {
	ctx := context.Background()
	life := func(t *testing.T, d *Disks) {
		t.Helper()
		create(t, d, ann, one, small)
		write(t, filepath.Join(attach(t, d, ann, one), "f"), "x")
		detach(t, d, ann, one)
		if read(t, filepath.Join(attach(t, d, ann, one), "f")) != "x" {
			t.Error("the content is lost")
		}
		if d.pool != d.dir || len(mountsIn(t, d.dir)) != 1 {
			t.Errorf("the pool is %s; mounts are %v", d.pool, mountsIn(t, d.dir))
		}
		detach(t, d, ann, one)
	}
	t.Run("reflink", func(t *testing.T) {
		pool := newDisks(t, place(t)) // XFS, to have a directory with reflinks
		dir := filepath.Join(pool.pool, "inner")
		d := newDisks(t, dir)
		if d.Backend() != backendReflink {
			t.Fatalf("backend is %s", d.Backend())
		}
		life(t, d)
		if entries, _ := filepath.Glob(filepath.Join(dir, ".*")); len(entries) > 0 {
			t.Errorf("the probe left %v", entries)
		}
	})
	t.Run("copy", func(t *testing.T) {
		dir := place(t)
		defer func(dirs []string) { toolDirs = dirs }(toolDirs)
		all := toolDirs
		toolDirs = nil // mkfs.xfs is not installed
		d, err := open(ctx, Config{Dir: dir}, noReflinks)
		if err != nil {
			t.Fatal(err)
		}
		toolDirs = all
		if d.Backend() != backendCopy {
			t.Fatalf("backend is %s", d.Backend())
		}
		life(t, d)
		// Volumes must be found even when a pool could be made by now.
		if d = newDisks(t, dir); d.Backend() != backendCopy {
			t.Fatalf("backend is %s", d.Backend())
		}
		life(t, d)
	})
	t.Run("pool too small", func(t *testing.T) {
		if _, err := open(ctx, Config{Dir: place(t), PoolSize: 1}, noReflinks); !errdefs.IsInvalidArgument(err) {
			t.Errorf("error is %v", err)
		}
	})
}

func TestFullMachine(t *testing.T) {
	ctx := context.Background()
	// The machine's file system is itself a volume.
	outer := newDisks(t, place(t))
	create(t, outer, ann, one, 1<<30)
	host := attach(t, outer, ann, one)
	t.Cleanup(func() { detach(t, outer, ann, one) })
	fill := func(t *testing.T, leave int64) {
		t.Helper()
		_, free, err := space(host)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(filepath.Join(host, "fill"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := unix.Fallocate(int(f.Fd()), 0, 0, int64(free)-leave); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Remove(f.Name()) })
	}
	check := func(t *testing.T, d *Disks, err error) {
		t.Helper()
		if !errdefs.IsResourceExhausted(err) || !strings.Contains(err.Error(), "full") {
			t.Errorf("error is %v", err)
		}
		if left := filesIn(t, d); len(left) > 0 {
			t.Errorf("files are left: %v", left)
		}
	}
	t.Run("pool", func(t *testing.T) {
		dir := filepath.Join(host, "pool")
		d := newDisks(t, dir)
		t.Cleanup(func() { _ = syscall.Unmount(d.pool, 0); _ = os.RemoveAll(dir) })
		if total, _, _ := space(d.pool); total < 19<<30 {
			t.Errorf("the pool has %d bytes, want about 20 GiB", total)
		}
		fill(t, 100<<20)
		check(t, d, d.CreateVolume(ctx, bob, two, small))
	})
	t.Run("in the middle of the work", func(t *testing.T) {
		dir := filepath.Join(host, "copy")
		if err := os.MkdirAll(filepath.Join(dir, bob.ID()), 0o700); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		d, err := open(ctx, Config{Dir: dir}, noReflinks)
		if err != nil {
			t.Fatal(err)
		}
		d.headroom = 0
		fill(t, 128<<10)
		check(t, d, d.CreateVolume(ctx, bob, two, 10<<30))
	})
}

func TestCancelledCreation(t *testing.T) {
	d := newDisks(t, place(t))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := d.CreateVolume(ctx, ann, one, small); err == nil {
		t.Error("no error")
	}
	if left := filesIn(t, d); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}
