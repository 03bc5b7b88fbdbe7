package disk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// BenchmarkScattered takes snapshots of an attached volume whose file was written in pieces in no order, as a database writes its pages: each piece is an
// extent of the image, and a snapshot has to share each of them. `make bench` has the volumes that were written in order, and the calls of hyperd.
func BenchmarkScattered(b *testing.B) {
	for _, tc := range []struct{ mb, kb int }{{1 << 10, 64}, {1 << 10, 16}, {1 << 10, 4}, {10 << 10, 64}, {10 << 10, 16}} {
		b.Run(fmt.Sprintf("%dMB-of-%dkB", tc.mb, tc.kb), func(b *testing.B) {
			if tc.mb > 1<<10 && testing.Short() {
				b.Skip("takes minutes to fill")
			}
			d := newDisks(b, place(b))
			create(b, d, ann, one, 20<<30)
			scatter(b, filepath.Join(attach(b, d, ann, one), "f"), int64(tc.mb)<<20, int64(tc.kb)<<10)
			v, err := d.volume(ann, one)
			must(b, err)
			image, err := openImage(v)
			must(b, err)
			list, err := extentsOf(image, 0)
			must(b, err)
			must(b, image.Close())
			n := 0
			waited := longestWait(b, filepath.Join(v.target, dataDir, "writer"))
			for b.Loop() {
				n++
				must(b, d.SnapshotVolume(b.Context(), ann, one, fmt.Sprintf("%064x", n)))
			}
			b.ReportMetric(float64(waited().Milliseconds()), "ms/wait")
			b.ReportMetric(float64(len(list)), "extents")
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(n), "ms/snapshot")
			detach(b, d, ann, one)
		})
	}
}

// longestWait writes and flushes a page of a file over and over until it is asked how long that took at the most.
func longestWait(b *testing.B, path string) func() time.Duration {
	b.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	must(b, err)
	longest, stop, ended := time.Duration(0), make(chan struct{}), make(chan error)
	go func() {
		defer close(ended)
		for page := make([]byte, 4096); ; {
			select {
			case <-stop:
				return
			default:
			}
			began := time.Now()
			_, err := f.WriteAt(page, 0)
			if err = errors.Join(err, f.Sync()); err != nil {
				ended <- err
				return
			}
			longest = max(longest, time.Since(began))
		}
	}()
	return func() time.Duration {
		b.Helper()
		close(stop)
		must(b, <-ended)
		must(b, f.Close())
		return longest
	}
}

// scatter makes a file of pieces that are written in no order.
func scatter(b *testing.B, path string, size, piece int64) {
	b.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|unix.O_DIRECT, 0o600)
	must(b, err)
	defer f.Close()
	must(b, unix.Fallocate(int(f.Fd()), 0, 0, size))
	order := rand.Perm(int(size / piece))
	const writers = 16
	var g errgroup.Group
	began := time.Now()
	for w := range writers {
		g.Go(func() error {
			data, err := unix.Mmap(-1, 0, int(piece), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
			if err != nil {
				return err
			}
			for i := range data {
				data[i] = byte(rand.Uint32())
			}
			for i := w; i < len(order); i += writers {
				if _, err := f.WriteAt(data, int64(order[i])*piece); err != nil {
					return err
				}
			}
			return unix.Munmap(data)
		})
	}
	must(b, g.Wait())
	must(b, f.Sync())
	b.Logf("%d pieces written in %v", len(order), time.Since(began))
}
