package main

import (
	"math/rand/v2"
	"os"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

const (
	piece     = 64 << 10
	atOneTime = 16
)

// scatter makes a file whose pieces are written in no order, each once: a database allots its file, and its pages come as they come. Where the disk
// is a file of the machine's, each piece lies elsewhere in it.
func scatter(path string, size int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR|unix.O_DIRECT, 0o600)
	if err != nil {
		return nil, err
	}
	order := rand.Perm(size / piece)
	if err := unix.Fallocate(int(f.Fd()), 0, 0, int64(len(order))*piece); err != nil {
		return nil, err
	}
	var g errgroup.Group
	for w := range atOneTime {
		g.Go(func() error {
			b, err := aligned(piece)
			if err != nil {
				return err
			}
			for i := range b {
				b[i] = byte(rand.Uint32())
			}
			for i := w; i < len(order); i += atOneTime {
				if _, err := f.WriteAt(b, int64(order[i])*piece); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return f, f.Sync()
}
