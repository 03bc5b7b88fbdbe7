package images

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/containerd"
)

// A life is the test binary as a hyperd that starts, reaps and pulls, in a directory and from a mirror that its environment names.
const (
	lifeDir    = "HYPER_TEST_LIFE"
	lifeMirror = "HYPER_TEST_MIRROR"
	lifeSmall  = "HYPER_TEST_SMALL" // bytes of a file system of its own, in a mount namespace of its own
)

func life() int {
	dir := os.Getenv(lifeDir)
	if size := os.Getenv(lifeSmall); size != "" {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			fmt.Println(err)
			return 1
		}
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	d, err := containerd.Start(context.Background(), containerd.Config{Root: dir + "/root", State: dir + "/state"})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer d.Close()
	a, err := account.New(strings.Repeat("a", 32), 1)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	s := New(Config{Client: d.Client(), Mirrors: []string{os.Getenv(lifeMirror)}})
	ctx := namespaces.WithNamespace(context.Background(), a.ID())
	if err := s.Reap(ctx, []engine.Keep{{Account: a}}); err != nil {
		fmt.Println(err)
		return 1
	}
	records, err := d.Client().ImageService().List(ctx)
	if err != nil || len(records) > 0 {
		fmt.Println("there are images that nobody keeps:", records, err)
		return 1
	}
	if _, err := s.Pull(ctx, a, engine.PullRequest{Ref: "docker.io/library/app:1"}, nil); err != nil {
		fmt.Println(errdefs.IsResourceExhausted(err), err)
	}
	// What is there once everything that nothing needs is collected.
	lm := d.Client().LeasesService()
	l, err := lm.Create(ctx, leases.WithRandomID())
	if err == nil {
		err = lm.Delete(ctx, l, leases.SynchronousDelete)
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	var blobs, layers int
	held, _ := lm.List(ctx)
	_ = d.Client().ContentStore().Walk(ctx, countBlobs(&blobs))
	_ = d.Client().SnapshotService(snapshotter).Walk(ctx, func(context.Context, snapshots.Info) error { layers++; return nil })
	fmt.Printf("leases %d, blobs %d, layers %d\n", len(held), blobs, layers)
	return 0
}

// hyperd dies at each point of a pull; the next one pulls, fetches nothing again, and there is nothing too much.
func TestKilledPulls(t *testing.T) {
	for _, point := range []string{"pull.after-fetch", "pull.after-unpack", "pull.after-record"} {
		t.Run(point, func(t *testing.T) {
			reg := newRegistry(t)
			reg.push(t, "library/app:1", 200_000, 3)
			dir, err := os.MkdirTemp("/var/tmp", "hk-")
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(dir)
			live := func(env ...string) (string, *os.ProcessState) {
				cmd := exec.CommandContext(t.Context(), os.Args[0])
				cmd.Env = append(append(os.Environ(), lifeDir+"="+dir, lifeMirror+"="+reg.URL), env...)
				out, _ := cmd.CombinedOutput()
				return string(out), cmd.ProcessState
			}
			out, st := live("HYPER_FAILPOINT=" + point)
			if ws := st.Sys().(syscall.WaitStatus); !ws.Signaled() || ws.Signal() != syscall.SIGKILL {
				t.Fatalf("it did not die: %v\n%s", st, out)
			}
			reg.bend(nil)
			if out, st = live(); st.ExitCode() != 0 || out != "leases 0, blobs 5, layers 3\n" {
				t.Errorf("%v\n%s", st, out)
			}
			if n := reg.count(http.MethodGet, "/"); n != 0 {
				t.Errorf("%d things were fetched again", n)
			}
		})
	}
}

// A full disk is said to be full, and what filled it is given back.
func TestDiskFull(t *testing.T) {
	reg := newRegistry(t)
	reg.push(t, "library/app:1", 20<<20, 3)
	for name, size := range map[string]string{"while fetching": "30m", "while unpacking": "75m"} {
		t.Run(name, func(t *testing.T) {
			dir, err := os.MkdirTemp("/var/tmp", "hk-")
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(dir)
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), lifeDir+"="+dir, lifeMirror+"="+reg.URL, lifeSmall+"="+size)
			cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
			out, err := cmd.CombinedOutput()
			want := "true image app:1 could not be pulled: the machine's disk is full\nleases 0, blobs 0, layers 0\n"
			if err != nil || string(out) != want {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
