package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/moby/sys/mountinfo"

	"github.com/hypercloud/hyper/internal/account"
)

// The tests mount things: they run in a mount namespace of their own, which takes everything
// with it when it ends.
const (
	inNamespace = "DISK_TEST_IN_NAMESPACE"
	doStep      = "DISK_TEST_STEP" // run one operation and end: "operation dir"
)

func TestMain(m *testing.M) {
	if os.Getenv(inNamespace) == "" {
		os.Exit(reexec())
	}
	if step := os.Getenv(doStep); step != "" {
		if err := runStep(step); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func reexec() int {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

var (
	ann, _ = account.New(strings.Repeat("a", 32), 0)
	bob, _ = account.New(strings.Repeat("b", 32), 1)
	one    = strings.Repeat("1", 64)
	two    = strings.Repeat("2", 64)
	snap   = strings.Repeat("5", 64)
)

const small = 64 << 20

func noReflinks(string) (bool, error) { return false, nil }

// place is a directory for volumes that must be left without mounts and loop devices of ours.
func place(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() {
		// Bottom up: volumes are mounted from images in the pool.
		for len(mountsIn(t, dir)) > 0 {
			list := mountsIn(t, dir)
			// A loop device is let go of a moment later where udev still looks at it, and holds its file until then.
			err := within(context.Background(), func() (bool, error) {
				err := syscall.Unmount(list[len(list)-1], 0)
				return !errors.Is(err, syscall.EBUSY), err
			})
			if err != nil {
				t.Fatalf("unmount %s: %v", list[len(list)-1], err)
			}
		}
		_ = within(context.Background(), func() (bool, error) { return len(loopsIn(t, dir)) == 0, nil })
		if left := loopsIn(t, dir); len(left) > 0 {
			t.Errorf("loop devices are left: %v", left)
		}
	})
	return dir
}

func newDisks(t testing.TB, dir string) *Disks {
	t.Helper()
	d, err := New(context.Background(), Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func mountsIn(t testing.TB, dir string) (list []string) {
	t.Helper()
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mounts {
		list = append(list, m.Mountpoint)
	}
	return list
}

// loopsIn lists the loop devices that are bound to files below dir.
func loopsIn(t testing.TB, dir string) (list []string) {
	t.Helper()
	files, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && strings.HasPrefix(string(b), dir+"/") {
			list = append(list, strings.TrimSpace(string(b)))
		}
	}
	return list
}

// filesIn lists the files that volumes may have left in a pool.
func filesIn(t testing.TB, d *Disks) (list []string) {
	t.Helper()
	for _, pattern := range []string{"*/*.img*", "*/*/*.img*", "*.new"} {
		found, err := filepath.Glob(filepath.Join(d.pool, pattern))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found...)
	}
	return list
}

func create(t testing.TB, d *Disks, a account.Ref, id string, size int64) {
	t.Helper()
	if err := d.CreateVolume(context.Background(), a, id, size); err != nil {
		t.Fatal(err)
	}
}

func attach(t testing.TB, d *Disks, a account.Ref, id string) string {
	t.Helper()
	dir, err := d.AttachVolume(context.Background(), a, id)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func detach(t testing.TB, d *Disks, a account.Ref, id string) {
	t.Helper()
	if err := d.DetachVolume(context.Background(), a, id); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// fsck looks for damage in an image that is not mounted.
func fsck(image string) (string, error) {
	out, err := exec.Command("e2fsck", "-f", "-n", image).CombinedOutput()
	return string(out), err
}
