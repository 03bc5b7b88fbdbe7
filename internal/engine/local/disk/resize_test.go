package disk

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine"
)

func sizeAt(t *testing.T, dir string) int64 {
	t.Helper()
	var st unix.Statfs_t
	must(t, unix.Statfs(dir, &st))
	return int64(st.Blocks) * st.Bsize
}

func TestResize(t *testing.T) {
	ctx := t.Context()
	for _, mounted := range []bool{true, false} {
		t.Run(map[bool]string{true: "while it is attached", false: "while it is not"}[mounted], func(t *testing.T) {
			d := newDisks(t, place(t))
			create(t, d, ann, one, 10<<30) // as users have them
			dir := attach(t, d, ann, one)
			write(t, filepath.Join(dir, "f"), "kept")
			open, err := os.Create(filepath.Join(dir, "open")) // a writer that goes on
			must(t, err)
			before := sizeAt(t, dir)
			if !mounted {
				must(t, open.Close())
				detach(t, d, ann, one)
			}
			err = d.ResizeVolume(ctx, ann, one, 30<<30)
			if mounted && !mayResize() {
				// The kernel lets nobody without it do this: then it is said, and nothing has happened.
				if !errdefs.IsFailedPrecondition(err) || sizeAt(t, dir) != before || read(t, filepath.Join(dir, "f")) != "kept" {
					t.Errorf("without the right to: %v", err)
				}
				must(t, open.Close())
				detach(t, d, ann, one)
				mounted = false
				err = d.ResizeVolume(ctx, ann, one, 30<<30)
			}
			must(t, err)
			must(t, d.ResizeVolume(ctx, ann, one, 30<<30)) // again: nothing changes
			if n := len(loopsIn(t, d.dir)); n != map[bool]int{true: 2, false: 1}[mounted] {
				t.Errorf("loop devices are %v", loopsIn(t, d.dir))
			}
			dir = attach(t, d, ann, one)
			if after := sizeAt(t, dir); after < 29*before/10 {
				t.Errorf("it had %d bytes and has %d", before, after)
			}
			if read(t, filepath.Join(dir, "f")) != "kept" {
				t.Error("the content is lost")
			}
			if mounted {
				_, err := open.WriteString(strings.Repeat("x", 1<<20))
				must(t, err)
				must(t, open.Close())
			}
			if err := d.ResizeVolume(ctx, ann, one, 10<<30); !errdefs.IsInvalidArgument(err) {
				t.Errorf("making it smaller: %v", err)
			}
			detach(t, d, ann, one)
			v, err := d.volume(ann, one)
			must(t, err)
			if out, err := fsck(v.image); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	d := newDisks(t, place(t))
	if err := d.ResizeVolume(ctx, ann, one, 1<<30); !errdefs.IsNotFound(err) {
		t.Errorf("what is not there: %v", err)
	}
}

// TestGrowsMounted looks at what decides whether the kernel can grow a file system in use, on machines too where it lets nobody do so.
func TestGrowsMounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "image")
	read := func() superblock {
		t.Helper()
		image, err := os.Open(path)
		must(t, err)
		defer image.Close()
		sb, err := readSuperblock(image)
		must(t, err)
		return sb
	}
	for _, size := range []int64{minSize, small, 10 << 30, 50 << 30, 1 << 40} {
		write(t, path, "")
		must(t, os.Truncate(path, size))
		must(t, makeVolume(t.Context(), path, size))
		if sb := read(); !sb.growsMounted() || sb.journal < 4<<20 && size > minSize {
			t.Errorf("of %d bytes it is %+v", size, sb)
		}
	}
	// The usual one, with a journal as small.
	write(t, path, "")
	must(t, os.Truncate(path, 10<<30))
	usual(t, path)
	if sb := read(); sb.growsMounted() || sb.journal != 16<<20 || sb.kept != 1024 {
		t.Errorf("the usual one is %+v", sb)
	}
}

// usual makes the file system as it was made before it could grow while it is mounted.
func usual(t *testing.T, path string) {
	t.Helper()
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", "-b", "4096", "-m", "0", "-J", "size=16", "-E", "nodiscard", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// A disk that cannot grow while it is attached stays as it is until it is not.
func TestResizeOfAnOldVolume(t *testing.T) {
	d := newDisks(t, place(t))
	create(t, d, ann, one, 10<<30)
	v, err := d.volume(ann, one)
	must(t, err)
	usual(t, v.image)
	dir := attach(t, d, ann, one)
	write(t, filepath.Join(dir, "f"), "kept")
	if err := d.ResizeVolume(t.Context(), ann, one, 30<<30); !errdefs.IsFailedPrecondition(err) || !strings.Contains(err.Error(), "stop the container first") {
		t.Errorf("while it is attached: %v", err)
	}
	detach(t, d, ann, one)
	if fi, err := os.Stat(v.image); err != nil || fi.Size() != 10<<30 {
		t.Errorf("the image has %d bytes, %v", fi.Size(), err)
	}
	must(t, d.ResizeVolume(t.Context(), ann, one, 20<<30))
	dir = attach(t, d, ann, one)
	if n := sizeAt(t, dir); n < 19<<30 || read(t, filepath.Join(dir, "f")) != "kept" {
		t.Errorf("it has %d bytes", n)
	}
}

func TestDeathOfAResizeBetweenSteps(t *testing.T) {
	for point, attached := range map[string]bool{"volume.resize.after-file": false, "volume.resize.after-image": true, "volume.resize.after-loop": true} {
		t.Run(point, func(t *testing.T) {
			if attached && !mayResize() {
				t.Log("growing a file system in use needs CAP_SYS_RESOURCE: only its being refused is tested here")
				return
			}
			dir := place(t)
			d := newDisks(t, dir)
			create(t, d, ann, one, small)
			write(t, filepath.Join(attach(t, d, ann, one), "f"), "kept")
			if !attached {
				detach(t, d, ann, one)
			}
			dieIn(t, "resize", dir, point)
			d = newDisks(t, dir)
			must(t, d.Reap(t.Context(), []engine.Keep{{Account: ann, Volumes: []string{one}}}))
			must(t, d.ResizeVolume(t.Context(), ann, one, 4*small))
			content := attach(t, d, ann, one)
			if read(t, filepath.Join(content, "f")) != "kept" || sizeAt(t, content) < 3*small {
				t.Errorf("it has %d bytes", sizeAt(t, content))
			}
		})
	}
}
