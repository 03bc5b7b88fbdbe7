package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// wait writes until its input ends, after it has said that it does, and tells how many milliseconds one write took at most: of a writer that leaves
// it to the kernel when its data come to the disk, and of one that flushes each time.
func wait(dir string) (string, error) {
	var over atomic.Bool
	var longest [2]time.Duration
	begun := make(chan struct{}, 4)
	var g errgroup.Group
	for i, flush := range []func(*os.File) error{
		func(*os.File) error { return nil },
		func(f *os.File) error { return unix.Fdatasync(int(f.Fd())) },
	} {
		g.Go(func() error {
			defer func() { begun <- struct{}{} }() // also if it fails at once
			f, err := os.Create(filepath.Join(dir, fmt.Sprint("waiting-", i)))
			if err != nil {
				return err
			}
			defer f.Close()
			b := make([]byte, block)
			for n := 0; !over.Load(); n++ {
				begin := time.Now()
				if _, err := f.WriteAt(b, int64(n%256)*block); err != nil {
					return err
				}
				if err := flush(f); err != nil {
					return err
				}
				if n == 300 { // from here on each block is there already
					begun <- struct{}{}
				} else if n > 300 {
					longest[i] = max(longest[i], time.Since(begin))
				}
				time.Sleep(200 * time.Microsecond)
			}
			return nil
		})
	}
	<-begun
	<-begun
	fmt.Println("writing")
	_, _ = io.Copy(io.Discard, os.Stdin)
	over.Store(true)
	err := g.Wait()
	return fmt.Sprintf("%.2f %.2f", ms(longest[0]), ms(longest[1])), err
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
