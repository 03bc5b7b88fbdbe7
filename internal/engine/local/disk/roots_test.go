package disk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine"
)

func newRoots(t testing.TB, dir string) *Roots { return newDisks(t, dir).Roots(small) }

func createRoot(t testing.TB, r *Roots, id string) {
	t.Helper()
	if err := r.Create(t.Context(), ann, id); err != nil {
		t.Fatal(err)
	}
}

func attachRoot(t testing.TB, r *Roots, id string) (upper string) {
	t.Helper()
	upper, work, err := r.Attach(t.Context(), ann, id, false)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(work) != filepath.Dir(upper) {
		t.Errorf("%s and %s must be on one disk", upper, work)
	}
	return upper
}

func detachRoot(t testing.TB, r *Roots, id string) {
	t.Helper()
	if err := r.Detach(context.Background(), ann, id); err != nil {
		t.Fatal(err)
	}
}

func rootUsage(t testing.TB, r *Roots, id string) int64 {
	t.Helper()
	n, err := r.Usage(t.Context(), ann, id)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRootDisk(t *testing.T) {
	dir := place(t)
	r := newRoots(t, dir)
	for range 2 {
		createRoot(t, r, one)
	}
	if n := rootUsage(t, r, one); n != 0 {
		t.Errorf("a new disk holds %d bytes", n)
	}
	upper := attachRoot(t, r, one)
	entries, err := os.ReadDir(upper)
	if err != nil || len(entries) > 0 {
		t.Errorf("a new disk shows %v, %v", entries, err)
	}
	var st unix.Stat_t
	if err := unix.Stat(upper, &st); err != nil || st.Uid != ann.HostID() || st.Gid != ann.HostID() || st.Mode&0o7777 != 0o755 {
		t.Errorf("/ belongs to %d:%d with mode %o, %v", st.Uid, st.Gid, st.Mode, err)
	}
	if size, free, err := space(upper); err != nil || size < small/2 || size > small || free < size*9/10 {
		t.Errorf("it has %d bytes, %d of them free, %v", size, free, err)
	}

	write(t, filepath.Join(upper, "f"), strings.Repeat("x", 1<<20))
	if err := syncFS(upper); err != nil {
		t.Fatal(err)
	}
	if n := rootUsage(t, r, one); n < 1<<20 || n > 1<<20+64<<10 {
		t.Errorf("of a file of 1 MiB %d bytes are told", n)
	}
	attached := rootUsage(t, r, one)
	for range 2 {
		detachRoot(t, r, one)
	}
	if n := rootUsage(t, r, one); n != attached {
		t.Errorf("%d bytes are told of the detached disk, %d of the attached", n, attached)
	}
	if n := len(loopsIn(t, dir)); n != 1 {
		t.Errorf("%d loop devices, want the pool's only", n)
	}
	if got := read(t, filepath.Join(attachRoot(t, r, one), "f")); len(got) != 1<<20 {
		t.Errorf("%d bytes are left", len(got))
	}
	if _, err := r.Usage(t.Context(), bob, one); err == nil {
		t.Error("an account sees another's disk")
	}

	for range 2 { // attached, and absent
		if err := r.Remove(t.Context(), ann, one); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := r.Attach(t.Context(), ann, one, false); err == nil {
		t.Error("what was removed can be attached")
	}
}

func TestRootDiskIsFullAtItsSize(t *testing.T) {
	r := newRoots(t, place(t))
	createRoot(t, r, one)
	f, err := os.Create(filepath.Join(attachRoot(t, r, one), "big"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, err := io.Copy(f, io.LimitReader(zeros{}, 2*small))
	if !errors.Is(err, unix.ENOSPC) || n > small {
		t.Errorf("%d bytes could be written: %v", n, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestVolatileRootDiskDoesNotWait(t *testing.T) {
	r := newRoots(t, place(t))
	createRoot(t, r, one)
	upper, _, err := r.Attach(t.Context(), ann, one, true)
	if err != nil {
		t.Fatal(err)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, filepath.Dir(upper)+" ") && !strings.Contains(line, "nobarrier") {
			t.Errorf("it waits: %s", line)
		}
	}
}

// TestRootDiskWithoutReflinks copies the template, which must stay small.
func TestRootDiskWithoutReflinks(t *testing.T) {
	r := newRoots(t, place(t))
	createRoot(t, r, one)
	template, copied := r.disks.templateOf(small), filepath.Join(t.TempDir(), "copy")
	src, err := os.Open(template)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	dst, err := os.Create(copied)
	if err != nil {
		t.Fatal(err)
	}
	defer dst.Close()
	if err := errors.Join(dst.Truncate(small), copyData(dst, src)); err != nil {
		t.Fatal(err)
	}
	a, b := []byte(read(t, template)), []byte(read(t, copied))
	if !bytes.Equal(a, b) {
		t.Error("the copy differs")
	}
	if fi, err := dst.Stat(); err != nil {
		t.Error(err)
	} else if st, err := sysStat(fi); err != nil || st.Blocks*512 > 2<<20 {
		t.Errorf("the copy takes %d bytes, %v", st.Blocks*512, err)
	}
}

// TestRootDiskAfterAPowerCut takes the image as it is on the machine's disk while it is mounted.
func TestRootDiskAfterAPowerCut(t *testing.T) {
	r := newRoots(t, place(t))
	createRoot(t, r, one)
	upper := attachRoot(t, r, one)
	write(t, filepath.Join(upper, "f"), strings.Repeat("x", 1<<20))
	if err := syncFS(upper); err != nil {
		t.Fatal(err)
	}
	v, _ := r.of(ann, one)
	cut := v.image + ".cut"
	if err := os.WriteFile(cut, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := copyImage(cut, v.image); err != nil {
		t.Fatal(err)
	}
	if err := r.Remove(t.Context(), ann, one); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(cut, v.image); err != nil {
		t.Fatal(err)
	}
	image, err := openImage(v)
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	if sb, err := readSuperblock(image); err != nil || !sb.dirty {
		t.Fatalf("%+v, %v: it was mounted", sb, err)
	}
	if n := rootUsage(t, r, one); n < 1<<20 || n > 1<<20+64<<10 {
		t.Errorf("of a file of 1 MiB %d bytes are told", n)
	}
	if sb, err := readSuperblock(image); err != nil || sb.dirty {
		t.Errorf("%+v, %v: it was put in order", sb, err)
	}
	if mounts := mountsIn(t, filepath.Join(r.disks.base, rootsDir)); len(mounts) > 0 {
		t.Errorf("there are mounts: %v", mounts)
	}
	if got := read(t, filepath.Join(attachRoot(t, r, one), "f")); len(got) != 1<<20 {
		t.Errorf("%d bytes are left", len(got))
	}
}

func TestIdleRootDisks(t *testing.T) {
	r := newRoots(t, place(t))
	for _, id := range []string{one, two} {
		createRoot(t, r, id)
		attachRoot(t, r, id)
	}
	err := r.DetachIdle(t.Context(), func(account, id string) bool { return account == ann.ID() && id == one })
	if err != nil {
		t.Fatal(err)
	}
	if mounts := mountsIn(t, filepath.Join(r.disks.base, rootsDir)); len(mounts) != 1 || filepath.Base(mounts[0]) != two {
		t.Errorf("attached are %v", mounts)
	}
}

func TestReapOfRootDisks(t *testing.T) {
	r := newRoots(t, place(t))
	three := strings.Repeat("3", 64)
	for _, id := range []string{one, two, three} {
		createRoot(t, r, id)
		write(t, filepath.Join(attachRoot(t, r, id), "f"), id)
	}
	detachRoot(t, r, two)
	v, _ := r.of(ann, two)
	half := v.image + newSuffix
	write(t, half, "half")
	if err := r.disks.Reap(t.Context(), []engine.Keep{{Account: ann, Containers: []string{one}}}); err != nil {
		t.Fatal(err)
	}
	if mounts := mountsIn(t, filepath.Join(r.disks.base, rootsDir)); len(mounts) != 1 || filepath.Base(mounts[0]) != one {
		t.Errorf("attached are %v", mounts)
	}
	if files, _ := filepath.Glob(filepath.Join(v.dir, "*")); len(files) != 1 {
		t.Errorf("left are %v", files)
	}
	if read(t, filepath.Join(attachRoot(t, r, one), "f")) != one {
		t.Error("what is kept has lost its content")
	}
	createRoot(t, r, two) // the template is still there
}

func TestDeathOfRootDisksBetweenSteps(t *testing.T) {
	for _, tc := range []struct{ op, point string }{
		{"create-root", "root.template.after-file"},
		{"create-root", "root.create.after-file"},
		{"attach-root", "root.attach.after-loop"},
		{"attach-root", "root.attach.after-mount"},
		{"detach-root", "root.detach.after-umount"},
		{"remove-root", "root.detach.after-umount"},
		{"remove-root", "root.remove.after-umount"},
	} {
		for _, then := range []string{"repeated", "undone"} {
			t.Run(tc.op+" "+tc.point+" "+then, func(t *testing.T) {
				dir := place(t)
				if tc.op != "create-root" {
					r := newRoots(t, dir)
					createRoot(t, r, one)
					write(t, filepath.Join(attachRoot(t, r, one), "f"), "x")
					if tc.op == "attach-root" {
						detachRoot(t, r, one)
					}
				}
				dieIn(t, tc.op, dir, tc.point)
				r := newRoots(t, dir)
				if then == "repeated" && tc.op != "remove-root" {
					if err := r.disks.Reap(t.Context(), []engine.Keep{{Account: ann, Containers: []string{one}}}); err != nil {
						t.Fatal(err)
					}
					createRoot(t, r, one)
					upper := attachRoot(t, r, one)
					if tc.op != "create-root" && read(t, filepath.Join(upper, "f")) != "x" {
						t.Error("the content is lost")
					}
				}
				if then == "repeated" {
					if err := r.Remove(t.Context(), ann, one); err != nil {
						t.Fatal(err)
					}
				}
				if err := r.disks.Reap(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
				if left, _ := filepath.Glob(filepath.Join(r.disks.pool, rootsDir, "*", "*")); len(left) > 0 {
					t.Errorf("files are left: %v", left)
				}
				if n := mountsIn(t, dir); len(n) != 1 {
					t.Errorf("mounts are %v, want the pool's only", n)
				}
				if n := loopsIn(t, dir); len(n) != 1 {
					t.Errorf("loop devices are %v, want the pool's only", n)
				}
			})
		}
	}
}
