package disk

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/locker"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
)

func TestLifeOfAVolume(t *testing.T) {
	ctx := context.Background()
	d := newDisks(t, place(t))
	if d.Backend() != backendPool {
		t.Fatalf("backend is %s", d.Backend())
	}
	create(t, d, ann, one, 10<<30)
	create(t, d, ann, one, 20<<30) // again: nothing changes
	dir := attach(t, d, ann, one)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Fatalf("a fresh volume holds %v, %v", entries, err)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	if size, free := fs.Blocks*uint64(fs.Bsize), fs.Bavail*uint64(fs.Bsize); size < 97*(10<<30)/100 || size > 10<<30 || free < 97*size/100 {
		t.Errorf("the volume has %d bytes, %d of them free; want about 10 GiB", size, free)
	}
	if fs.Flags&unix.ST_NODEV == 0 || fs.Flags&unix.ST_NOSUID != 0 {
		t.Errorf("mount flags are %#x", fs.Flags)
	}
	write(t, filepath.Join(dir, "hello"), "world")
	if again := attach(t, d, ann, one); again != dir {
		t.Errorf("attached again at %s, was %s", again, dir)
	}
	if n := len(loopsIn(t, d.dir)); n != 2 { // pool and volume
		t.Errorf("%d loop devices, want 2: %v", n, loopsIn(t, d.dir))
	}
	if err := d.RemoveVolume(ctx, ann, one); !errdefs.IsFailedPrecondition(err) {
		t.Errorf("removing an attached volume: %v", err)
	}
	detach(t, d, ann, one)
	detach(t, d, ann, one)
	if n := len(loopsIn(t, d.dir)); n != 1 {
		t.Errorf("after detaching, loop devices are %v", loopsIn(t, d.dir))
	}
	if dir := attach(t, d, ann, one); read(t, filepath.Join(dir, "hello")) != "world" {
		t.Error("the content is lost")
	}
	usage, err := d.VolumeUsage(ctx, ann, one)
	if err != nil || usage == 0 || usage > 64<<20 {
		t.Errorf("usage is %d, %v", usage, err)
	}
	detach(t, d, ann, one)
	for range 2 {
		if err := d.RemoveVolume(ctx, ann, one); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.AttachVolume(ctx, ann, one); !errdefs.IsNotFound(err) {
		t.Errorf("attaching a removed volume: %v", err)
	}
	if _, err := d.VolumeUsage(ctx, ann, one); !errdefs.IsNotFound(err) {
		t.Errorf("usage of a removed volume: %v", err)
	}
	if left := filesIn(t, d); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

func TestDeviceIsDirect(t *testing.T) {
	d := newDisks(t, place(t))
	create(t, d, ann, one, small)
	attach(t, d, ann, one)
	for _, target := range []string{filepath.Join(d.base, "pool"), filepath.Join(d.base, "mnt", ann.ID(), one)} {
		name, _, err := mountedLoop(target)
		if err != nil {
			t.Fatal(err)
		}
		dev, err := os.Open(filepath.Join("/dev", name))
		if err != nil {
			t.Fatal(err)
		}
		defer dev.Close()
		info, err := unix.IoctlLoopGetStatus64(int(dev.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		if info.Flags != unix.LO_FLAGS_AUTOCLEAR|unix.LO_FLAGS_DIRECT_IO {
			t.Errorf("flags of %s are %#x", target, info.Flags)
		}
		if size, err := unix.IoctlGetInt(int(dev.Fd()), unix.BLKSSZGET); err != nil || size != sector {
			t.Errorf("sectors of %s have %d bytes, %v", target, size, err)
		}
	}
}

func TestSizeIsEnforced(t *testing.T) {
	d := newDisks(t, place(t))
	create(t, d, ann, one, small)
	dir := attach(t, d, ann, one)
	f, err := os.Create(filepath.Join(dir, "big"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	chunk, n := make([]byte, 1<<20), 0
	for ; err == nil && n < 100; n++ {
		_, err = f.Write(chunk)
	}
	if !errors.Is(err, unix.ENOSPC) || n < 40 || n > 64 {
		t.Errorf("after %d MiB: %v", n, err)
	}
	if err := f.Sync(); err != nil {
		t.Error(err)
	}
	full, _ := d.VolumeUsage(context.Background(), ann, one)
	if err := os.Remove(f.Name()); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	detach(t, d, ann, one)
	if after, _ := d.VolumeUsage(context.Background(), ann, one); after > full/2 {
		t.Errorf("usage was %d and is %d after everything was deleted: freed blocks do not go back", full, after)
	}
}

func TestBadRequests(t *testing.T) {
	ctx := context.Background()
	d := newDisks(t, place(t))
	ids := map[string]string{
		"empty": "", "short": one[1:], "long": one + "1", "upper case": strings.Repeat("A", 64), "newline": one + "\n",
		"parent": "../" + one[3:], "absolute": "/" + one[1:], "nul": one[1:] + "\x00",
	}
	for name, id := range ids {
		t.Run(name, func(t *testing.T) {
			_, attachErr := d.AttachVolume(ctx, ann, id)
			_, usageErr := d.VolumeUsage(ctx, ann, id)
			for _, err := range []error{d.CreateVolume(ctx, ann, id, small), attachErr, usageErr, d.DetachVolume(ctx, ann, id), d.RemoveVolume(ctx, ann, id)} {
				if !errdefs.IsInvalidArgument(err) {
					t.Errorf("error is %v", err)
				}
			}
		})
	}
	if err := d.CreateVolume(ctx, account.Ref{}, one, small); !errors.Is(err, account.ErrNone) {
		t.Errorf("no account: %v", err)
	}
	for _, size := range []int64{-1, 0, minSize - 1} {
		if err := d.CreateVolume(ctx, ann, one, size); !errdefs.IsInvalidArgument(err) {
			t.Errorf("size %d: %v", size, err)
		}
	}
	if left := filesIn(t, d); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

func TestSmallestVolume(t *testing.T) {
	d := newDisks(t, place(t))
	create(t, d, ann, one, minSize+5)
	write(t, filepath.Join(attach(t, d, ann, one), "x"), "y")
	detach(t, d, ann, one)
}

func TestAccountsAreApart(t *testing.T) {
	ctx := context.Background()
	d := newDisks(t, place(t))
	create(t, d, ann, one, small)
	anns := attach(t, d, ann, one)
	if _, err := d.AttachVolume(ctx, bob, one); !errdefs.IsNotFound(err) {
		t.Errorf("another account's volume: %v", err)
	}
	if err := d.RemoveVolume(ctx, bob, one); err != nil {
		t.Error(err)
	}
	if err := d.DetachVolume(ctx, bob, one); err != nil {
		t.Error(err)
	}
	create(t, d, bob, one, small) // the same id
	bobs := attach(t, d, bob, one)
	if anns == bobs {
		t.Fatal("one directory for two accounts")
	}
	write(t, filepath.Join(anns, "f"), "ann")
	write(t, filepath.Join(bobs, "f"), "bob")
	detach(t, d, bob, one)
	if err := d.RemoveVolume(ctx, bob, one); err != nil {
		t.Fatal(err)
	}
	if read(t, filepath.Join(anns, "f")) != "ann" {
		t.Error("the content is another one's")
	}
}

func TestBusyVolume(t *testing.T) {
	ctx := context.Background()
	d := newDisks(t, place(t))
	create(t, d, ann, one, small)
	f, err := os.Create(filepath.Join(attach(t, d, ann, one), "open"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.DetachVolume(ctx, ann, one); !errdefs.IsFailedPrecondition(err) {
		t.Errorf("detaching a volume with an open file: %v", err)
	}
	time.AfterFunc(200*time.Millisecond, func() { _ = f.Close() })
	detach(t, d, ann, one) // waits
}

// TestForeignNamespace has a process that took our mounts along and uses one: the volume is not free before it ends, and
// attaching meanwhile uses the same device.
func TestForeignNamespace(t *testing.T) {
	ctx := context.Background()
	d := newDisks(t, place(t))
	create(t, d, ann, one, small)
	content := attach(t, d, ann, one)
	write(t, filepath.Join(content, "f"), "x")
	holder := exec.Command("/bin/sleep", "100")
	holder.Dir = content
	holder.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() { _ = holder.Process.Kill(); _ = holder.Wait() })
	defer stop()
	if err := d.DetachVolume(ctx, ann, one); !errdefs.IsFailedPrecondition(err) {
		t.Errorf("detaching: %v", err)
	}
	if err := d.RemoveVolume(ctx, ann, one); !errdefs.IsFailedPrecondition(err) {
		t.Errorf("removing: %v", err)
	}
	if read(t, filepath.Join(attach(t, d, ann, one), "f")) != "x" {
		t.Error("the content is lost")
	}
	if n := len(loopsIn(t, d.dir)); n != 2 {
		t.Errorf("loop devices are %v, want one for the pool and one for the volume", loopsIn(t, d.dir))
	}
	stop()
	detach(t, d, ann, one)
}

func TestManyAtOnce(t *testing.T) {
	ctx := context.Background()
	d := newDisks(t, place(t))
	var all sync.WaitGroup
	for i := range 8 {
		id := strings.Repeat("c", 63) + string("01234567"[i])
		for range 2 { // and each twice
			all.Go(func() {
				if err := d.CreateVolume(ctx, ann, id, small); err != nil {
					t.Error(err)
				}
				if _, err := d.AttachVolume(ctx, ann, id); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	if n := len(loopsIn(t, d.dir)); n != 9 {
		t.Errorf("%d loop devices, want 9", n)
	}
	for i := range 8 {
		all.Go(func() {
			id := strings.Repeat("c", 63) + string("01234567"[i])
			if err := errors.Join(d.DetachVolume(ctx, ann, id), d.RemoveVolume(ctx, ann, id)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if left := filesIn(t, d); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	for i := range 8 {
		image := d.volumeOf(ann.ID(), strings.Repeat("c", 63)+string("01234567"[i])).image
		if err := d.busy.Unlock(image); !errors.Is(err, locker.ErrNoSuchLock) {
			t.Errorf("the lock of %s is held, or kept: %v", image, err)
		}
	}
}

func TestDamagedVolume(t *testing.T) {
	ctx := context.Background()
	spoil := func(t *testing.T, d *Disks, at int64, b []byte) {
		t.Helper()
		f, err := os.OpenFile(filepath.Join(d.pool, ann.ID(), one+imageSuffix), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteAt(b, at); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("a broken superblock is not mounted", func(t *testing.T) {
		d := newDisks(t, place(t))
		create(t, d, ann, one, small)
		spoil(t, d, 0, make([]byte, 4096))
		if _, err := d.AttachVolume(ctx, ann, one); err == nil {
			t.Error("no error")
		}
	})
	for name, damage := range map[string]func(t *testing.T, d *Disks){
		"an error was noted": func(t *testing.T, d *Disks) {
			image := filepath.Join(d.pool, ann.ID(), one+imageSuffix)
			if err := runTool(ctx, "/usr/sbin/debugfs", "-w", "-R", "ssv state 2", image); err != nil {
				t.Fatal(err)
			}
		},
		"a group's checksum is wrong": func(t *testing.T, d *Disks) { spoil(t, d, 4096+0x1e, []byte("\xff\xff")) },
	} {
		t.Run(name+" and is repaired", func(t *testing.T) {
			d := newDisks(t, place(t))
			create(t, d, ann, one, 512<<20)
			write(t, filepath.Join(attach(t, d, ann, one), "f"), "x")
			detach(t, d, ann, one)
			damage(t, d)
			if read(t, filepath.Join(attach(t, d, ann, one), "f")) != "x" {
				t.Error("the content is lost")
			}
			detach(t, d, ann, one)
			image, err := os.Open(filepath.Join(d.pool, ann.ID(), one+imageSuffix))
			if err != nil {
				t.Fatal(err)
			}
			defer image.Close()
			if sb, err := readSuperblock(image); err != nil || sb.errors {
				t.Errorf("superblock says %+v, %v", sb, err)
			}
		})
	}
	t.Run("what cannot be repaired leaves nothing", func(t *testing.T) {
		d := newDisks(t, place(t))
		create(t, d, ann, one, small)
		spoil(t, d, 4096, []byte(strings.Repeat("\xff\x13", 8<<20)))
		if _, err := d.AttachVolume(ctx, ann, one); err == nil {
			t.Error("no error")
		}
		if n := len(loopsIn(t, d.dir)); n != 1 {
			t.Errorf("loop devices are %v", loopsIn(t, d.dir))
		}
		if err := d.RemoveVolume(ctx, ann, one); err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkCreateAttachDetachRemove(b *testing.B) {
	ctx := context.Background()
	d := newDisks(b, place(b))
	var spent [4]time.Duration
	for b.Loop() {
		for i, step := range []func() error{
			func() error { return d.CreateVolume(ctx, ann, one, 10<<30) },
			func() error { _, err := d.AttachVolume(ctx, ann, one); return err },
			func() error { return d.DetachVolume(ctx, ann, one) },
			func() error { return d.RemoveVolume(ctx, ann, one) },
		} {
			began := time.Now()
			if err := step(); err != nil {
				b.Fatal(err)
			}
			spent[i] += time.Since(began)
		}
	}
	for i, unit := range []string{"create-ms", "attach-ms", "detach-ms", "remove-ms"} {
		b.ReportMetric(float64(spent[i].Microseconds())/1000/float64(b.N), unit)
	}
}
