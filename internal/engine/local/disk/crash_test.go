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

	"github.com/hypercloud/hyper/internal/engine"
)

// runStep is one operation of a hyperd that is about to be killed.
func runStep(step string) error {
	op, dir, _ := strings.Cut(step, " ")
	ctx := context.Background()
	d, err := New(ctx, Config{Dir: dir})
	if err != nil {
		return err
	}
	switch op {
	case "open":
		return nil
	case "create":
		return d.CreateVolume(ctx, ann, one, small)
	case "attach":
		_, err = d.AttachVolume(ctx, ann, one)
		return err
	case "detach":
		return d.DetachVolume(ctx, ann, one)
	case "snapshot":
		return d.SnapshotVolume(ctx, ann, one, snap)
	case "from-snapshot":
		return d.CreateVolumeFrom(ctx, ann, two, snap)
	case "restore":
		return d.RestoreVolume(ctx, ann, one, snap)
	case "resize":
		return d.ResizeVolume(ctx, ann, one, 4*small)
	case "create-root":
		return d.Roots(small).Create(ctx, ann, one)
	case "attach-root":
		_, _, err = d.Roots(small).Attach(ctx, ann, one, false)
		return err
	case "detach-root":
		return d.Roots(small).Detach(ctx, ann, one)
	case "remove-root":
		return d.Roots(small).Remove(ctx, ann, one)
	}
	return fmt.Errorf("no step %q", op)
}

// dieIn runs an operation in another process, which dies at the failpoint.
func dieIn(t *testing.T, op, dir, point string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), doStep+"="+op+" "+dir, "HYPER_FAILPOINT="+point)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("%s did not die at %s: %v %s", op, point, err, out)
	}
}

func TestDeathBetweenSteps(t *testing.T) {
	ctx := context.Background()
	keep := []engine.Keep{{Account: ann, Volumes: []string{one}}}
	for _, tc := range []struct{ op, point string }{
		{"open", "volume.pool.after-file"},
		{"create", "volume.create.after-file"},
		{"attach", "volume.attach.after-loop"},
		{"attach", "volume.attach.after-mount"},
		{"detach", "volume.detach.after-umount"},
	} {
		for _, then := range []string{"repeated", "undone"} {
			t.Run(tc.point+" "+then, func(t *testing.T) {
				dir := place(t)
				if tc.op != "open" {
					d := newDisks(t, dir)
					if tc.op != "create" {
						create(t, d, ann, one, small)
						write(t, filepath.Join(attach(t, d, ann, one), "f"), "x")
					}
					if tc.op == "attach" {
						detach(t, d, ann, one)
					}
				}
				dieIn(t, tc.op, dir, tc.point)
				d := newDisks(t, dir)
				if then == "repeated" {
					if err := d.Reap(ctx, keep); err != nil {
						t.Fatal(err)
					}
					create(t, d, ann, one, small)
					content := attach(t, d, ann, one)
					if tc.op == "attach" || tc.op == "detach" {
						if read(t, filepath.Join(content, "f")) != "x" {
							t.Error("the content is lost")
						}
					}
				}
				detach(t, d, ann, one)
				if err := d.RemoveVolume(ctx, ann, one); err != nil {
					t.Fatal(err)
				}
				if err := d.Reap(ctx, nil); err != nil {
					t.Fatal(err)
				}
				if left := filesIn(t, d); len(left) > 0 {
					t.Errorf("files are left: %v", left)
				}
				if n := mountsIn(t, dir); len(n) != 1 {
					t.Errorf("mounts are %v, want the pool's only", n)
				}
				if n := loopsIn(t, dir); len(n) != 1 {
					t.Errorf("loop devices are %v, want the pool's only", n)
				}
				if _, err := os.Stat(filepath.Join(dir, poolFile+newSuffix)); err == nil {
					t.Error("a half-made pool is left")
				}
			})
		}
	}
}

func TestReap(t *testing.T) {
	ctx := context.Background()
	d := newDisks(t, place(t))
	keptAttached, keptIdle := strings.Repeat("d", 64), strings.Repeat("e", 64)
	unused, attached, idle := one, two, strings.Repeat("3", 64)
	for _, id := range []string{keptAttached, keptIdle, unused, attached, idle} {
		create(t, d, ann, id, small)
		if id != unused {
			write(t, filepath.Join(attach(t, d, ann, id), "f"), id)
		}
		if id == keptIdle || id == idle {
			detach(t, d, ann, id)
		}
	}
	create(t, d, bob, one, small)
	attach(t, d, bob, one)
	half := filepath.Join(d.pool, ann.ID(), one+imageSuffix+newSuffix)
	write(t, half, "half")
	open, err := os.Open(filepath.Join(attach(t, d, ann, keptAttached), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()

	if err := d.Reap(ctx, []engine.Keep{{Account: ann, Volumes: []string{keptAttached, keptIdle}}}); err != nil {
		t.Fatal(err)
	}
	if mounts := mountsIn(t, d.base); len(mounts) != 2 || !strings.HasSuffix(mounts[1], keptAttached) {
		t.Errorf("mounts are %v", mounts)
	}
	if loops := loopsIn(t, d.dir); len(loops) != 2 {
		t.Errorf("loop devices are %v", loops)
	}
	for _, gone := range []string{unused, attached, idle} {
		if _, err := os.Stat(filepath.Join(d.pool, ann.ID(), gone+imageSuffix)); err == nil {
			t.Errorf("volume %s is still there", gone)
		}
	}
	for _, path := range []string{half, filepath.Join(d.pool, bob.ID())} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is still there", path)
		}
	}
	for _, id := range []string{keptAttached, keptIdle} {
		if read(t, filepath.Join(attach(t, d, ann, id), "f")) != id {
			t.Errorf("the content of %s is lost", id)
		}
	}
	t.Run("data is set aside, not destroyed", func(t *testing.T) {
		aside, err := os.ReadDir(filepath.Join(d.pool, orphans))
		if err != nil || len(aside) != 3 { // attached and idle, and bob's, which was attached once
			t.Fatalf("set aside are %v, %v", aside, err)
		}
		for _, id := range []string{attached, idle} {
			from := filepath.Join(d.pool, orphans, ann.ID()+"."+id+imageSuffix)
			if err := os.MkdirAll(filepath.Join(d.pool, ann.ID()), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(from, filepath.Join(d.pool, ann.ID(), id+imageSuffix)); err != nil {
				t.Fatal(err)
			}
			if read(t, filepath.Join(attach(t, d, ann, id), "f")) != id {
				t.Error("what was set aside lacks its content")
			}
		}
	})
}
