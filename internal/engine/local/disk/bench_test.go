package disk

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkSnapshot takes snapshots of volumes of 40 GB that hold more or less, while they are attached; BenchmarkRestore makes volumes of them.
// What is written is random, so that nothing of it is a hole. -short leaves those out that take minutes to fill.
func BenchmarkSnapshot(b *testing.B) {
	for _, gb := range []int{0, 1, 10, 40} {
		b.Run(fmt.Sprintf("%dGB", gb), func(b *testing.B) {
			d := held(b, gb)
			n := 0
			for b.Loop() {
				n++
				must(b, d.SnapshotVolume(b.Context(), ann, one, fmt.Sprintf("%064x", n)))
			}
			b.StopTimer()
			detach(b, d, ann, one)
		})
	}
}

// BenchmarkRestore makes a volume of a snapshot.
func BenchmarkRestore(b *testing.B) {
	for _, gb := range []int{0, 1, 10, 40} {
		b.Run(fmt.Sprintf("%dGB", gb), func(b *testing.B) {
			d := held(b, gb)
			must(b, d.SnapshotVolume(b.Context(), ann, one, snap))
			n := 0
			for b.Loop() {
				n++
				must(b, d.CreateVolumeFrom(b.Context(), ann, fmt.Sprintf("%064x", n), snap))
			}
			b.StopTimer()
			detach(b, d, ann, one)
		})
	}
}

// BenchmarkCreate makes empty volumes.
func BenchmarkCreate(b *testing.B) {
	d := newDisks(b, place(b))
	n := 0
	for b.Loop() {
		n++
		create(b, d, ann, fmt.Sprintf("%064x", n), 10<<30)
	}
}

// BenchmarkAttach attaches a volume and detaches it.
func BenchmarkAttach(b *testing.B) {
	d := newDisks(b, place(b))
	create(b, d, ann, one, 10<<30)
	for b.Loop() {
		attach(b, d, ann, one)
		detach(b, d, ann, one)
	}
}

// held is a pool with an attached volume that holds so many GB.
func held(b *testing.B, gb int) *Disks {
	b.Helper()
	if gb > 1 && testing.Short() {
		b.Skip("large")
	}
	d := newDisks(b, place(b))
	create(b, d, ann, one, 40<<30)
	dir := attach(b, d, ann, one)
	for n := range gb {
		f, err := os.Create(filepath.Join(dir, fmt.Sprint(n)))
		must(b, err)
		_, err = io.CopyN(f, rand.NewChaCha8([32]byte{byte(n)}), 1<<30)
		must(b, err)
		must(b, f.Sync())
		must(b, f.Close())
	}
	return d
}
