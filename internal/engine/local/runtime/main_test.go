package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine/local/containerd"
	"github.com/hypercloud/hyper/internal/engine/local/disk"
)

// The tests run in namespaces of their own, so that their end takes every process and mount with them. The test binary
// plays three parts there: first process, which reaps; the tests; and a hyperd that a test kills.
const (
	partEnv = "HYPER_RUNTIME_TEST_PART"
	rootEnv = "HYPER_RUNTIME_TEST_ROOT"
)

func TestMain(m *testing.M) {
	switch os.Getenv(partEnv) {
	case "":
		os.Exit(outside())
	case "init":
		os.Exit(first())
	case "hyperd":
		os.Exit(victim())
	default:
		os.Exit(inside(m))
	}
}

// outside makes the namespaces and waits for their end.
func outside() int {
	root, err := os.MkdirTemp("/var/tmp", "hrt-")
	if err != nil {
		return failed(err)
	}
	defer os.RemoveAll(root)
	if err := os.Chmod(root, 0o711); err != nil {
		return failed(err)
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), partEnv+"=init", rootEnv+"="+root)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL,
	}
	err = cmd.Run()
	New(Config{CgroupParent: cgroupParent(root)}).removeCgroups(func(key) bool { return false })
	for _, dir := range cgroupRoots(root) {
		_ = os.Remove(dir)
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode()
	case err != nil:
		return failed(fmt.Errorf("the tests need root, to make namespaces of their own: %w", err))
	}
	return 0
}

// first is the first process: it starts the tests and reaps whatever is orphaned.
func first() int {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return failed(err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return failed(err)
	}
	if err := os.Setenv(partEnv, "tests"); err != nil {
		return failed(err)
	}
	tests, err := os.StartProcess("/proc/self/exe", os.Args, &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		return failed(err)
	}
	for {
		var st unix.WaitStatus
		pid, err := unix.Wait4(-1, &st, 0, nil)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return failed(err)
		}
		if pid == tests.Pid {
			if st.Signaled() {
				return 128 + int(st.Signal())
			}
			return st.ExitStatus()
		}
	}
}

// shared is the machine that the tests run on, and volumes are its disks.
var (
	shared  *Runtime
	volumes *disk.Disks
)

func inside(m *testing.M) int {
	r, stop, err := machine(context.Background(), filepath.Join(os.Getenv(rootEnv), "m"))
	if err != nil {
		return failed(err)
	}
	defer stop()
	shared = r
	return m.Run()
}

// rootSize is the size of the subjects' root disks.
const rootSize = 64 << 20

// machine starts a containerd and makes a Runtime.
func machine(ctx context.Context, root string) (*Runtime, func(), error) {
	libexec, err := filepath.Abs("../../../../libexec/hyper")
	if err != nil {
		return nil, nil, err
	}
	if _, err := os.Stat(filepath.Join(libexec, "runc")); err != nil {
		return nil, nil, fmt.Errorf("%w: run 'make build' first", err)
	}
	for _, dir := range []string{root, filepath.Join(root, "run"), filepath.Join(root, "data")} {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return nil, nil, err
		}
	}
	d, err := containerd.Start(ctx, containerd.Config{Root: filepath.Join(root, "data", "c"), State: filepath.Join(root, "run", "c")})
	if err != nil {
		return nil, nil, err
	}
	disks, err := disk.New(ctx, disk.Config{Dir: filepath.Join(root, "data", "v"), RunDir: filepath.Join(root, "run", "v"), PoolSize: 4 << 30})
	if err != nil {
		return nil, nil, err
	}
	volumes = disks
	r := New(Config{
		Client: d.Client(), Disks: disks.Roots(rootSize), DataRoot: filepath.Join(root, "data"), RunDir: filepath.Join(root, "run"), Libexec: libexec,
		CgroupParent: cgroupParent(filepath.Dir(root)),
	})
	return r, func() { d.Close() }, nil
}

func cgroupParent(root string) string { return "/" + filepath.Base(root) }

func cgroupRoots(root string) []string {
	if unified() {
		return []string{filepath.Join(v1Root, cgroupParent(root))}
	}
	dirs, _ := filepath.Glob(filepath.Join(v1Root, "*", cgroupParent(root)))
	return dirs
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}
