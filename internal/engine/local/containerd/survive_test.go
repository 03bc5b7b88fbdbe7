package containerd

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/containerd/api/types/runc/options"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/oci"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func owner(t *testing.T, path string) uint32 {
	t.Helper()
	st, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return st.Sys().(*syscall.Stat_t).Uid
}

// sleeper is all that runs in the test's container.
const sleeper = `package main

import "time"

func main() { time.Sleep(time.Hour) }
`

// programs builds the shim, runc and a program to run.
func programs(t *testing.T) (libexec, program string) {
	t.Helper()
	dir := t.TempDir()
	src := filepath.Join(dir, "sleeper.go")
	if err := os.WriteFile(src, []byte(sleeper), 0o600); err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(dir, "sleeper")
	for _, args := range [][]string{
		{"build", "-o", program, src},
		{"build", "-o", dir + "/", "github.com/hypercloud/hyper/cmd/containerd-shim-hyper-v2", "github.com/opencontainers/runc"},
	} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if args[2] != program {
			cmd.Env = os.Environ()
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
	}
	return dir, program
}

// A container outlives the containerd that started it, and the next one finds it.
func TestContainerSurvivesClose(t *testing.T) {
	libexec, program := programs(t)
	for name, deeper := range map[string]string{"short paths": "", "long paths": strings.Repeat("/0123456789", 8)} {
		t.Run(name, func(t *testing.T) {
			c := room(t)
			c.State += deeper
			survives(t, c, libexec, program)
		})
	}
}

func survives(t *testing.T, c Config, libexec, program string) {
	t.Helper()
	d := start(t, c)
	ctx := in(t.Context(), accountA)
	sn := d.Client().SnapshotService("overlayfs")
	// Nothing else holds the snapshot: without the label it is garbage, and collected under the container at any moment.
	mounts, err := sn.Prepare(ctx, "hyper-c1", "", snapshots.WithLabels(map[string]string{"containerd.io/gc.root": "x"}))
	if err != nil {
		t.Fatal(err)
	}
	if err := mount.WithTempMount(ctx, mounts, func(root string) error {
		raw, err := os.ReadFile(program)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(root, "sleeper"), raw, 0o755)
	}); err != nil {
		t.Fatal(err)
	}
	box, err := d.Client().NewContainer(ctx, "c1",
		containerd.WithRuntime(filepath.Join(libexec, "containerd-shim-hyper-v2"), &options.Options{
			BinaryName: filepath.Join(libexec, "runc"), Root: filepath.Join(c.State, "runc"),
		}),
		containerd.WithNewSpec(oci.WithDefaultSpec(), oci.WithProcessArgs("/sleeper"), oci.WithCgroup("/hyper-embed-test/c1"),
			oci.WithLinuxNamespace(specs.LinuxNamespace{Type: specs.NetworkNamespace})))
	if err != nil {
		t.Fatal(err)
	}
	task, err := box.NewTask(ctx, cio.NullIO, containerd.WithRootFS(mounts))
	if err != nil {
		t.Fatal(err)
	}
	if err := task.Start(ctx); err != nil {
		t.Fatal(err)
	}
	pid := int(task.Pid())
	if err := d.Close(); err != nil {
		t.Error(err)
	}

	d = start(t, c)
	defer d.Destroy()
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("the process is gone: %v", err)
	}
	box, err = d.Client().LoadContainer(ctx, "c1")
	if err != nil {
		t.Fatal(err)
	}
	if task, err = box.Task(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if st, err := task.Status(ctx); err != nil || st.Status != containerd.Running || int(task.Pid()) != pid {
		t.Errorf("status %v, pid %d of %d, %v", st.Status, task.Pid(), pid, err)
	}
	exits, errs := d.Client().EventService().Subscribe(t.Context(), `topic=="/tasks/exit"`)
	if err := task.Kill(ctx, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	select {
	case e := <-exits:
		if e.Namespace != accountA {
			t.Errorf("an exit of %s", e.Namespace)
		}
	case err := <-errs:
		t.Error(err)
	case <-time.After(10 * time.Second):
		t.Error("no exit was told")
	}
	if _, err := task.Delete(ctx, containerd.WithProcessKill); err != nil {
		t.Error(err)
	}
	if err := box.Delete(ctx); err != nil {
		t.Error(err)
	}
	for _, pattern := range []string{"/sys/fs/cgroup/hyper-embed-test", "/sys/fs/cgroup/*/hyper-embed-test"} {
		dirs, _ := filepath.Glob(pattern)
		for _, g := range dirs {
			_ = os.Remove(g)
		}
	}
}
