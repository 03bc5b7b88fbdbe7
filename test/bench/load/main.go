// Command load does one kind of disk work in a directory and prints how much of it was done in a second; wait prints how long it was kept from its
// work. The benchmark puts it into containers, so it is one static file.
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	block = 4096
	span  = 64 << 20  // of what is overwritten
	long  = 256 << 20 // of what is written in one go, and read at random
	lasts = 2 * time.Second
)

var kinds = map[string]func(dir string) (float64, error){
	"write":     write,
	"overwrite": overwrite,
	"append":    appendTo,
	"read":      read,
}

// bulk is work of a stated number of megabytes, whose file stays.
var bulk = map[string]func(dir string, size int) (*os.File, error){
	"fill": func(dir string, size int) (*os.File, error) {
		return fill(filepath.Join(dir, fmt.Sprint("filled-", time.Now().UnixNano())), size, unix.O_DIRECT)
	},
	"scatter": func(dir string, size int) (*os.File, error) { return scatter(filepath.Join(dir, "scattered"), size) },
}

func main() {
	said, err := work(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
	fmt.Println(said)
}

func work(args []string) (string, error) {
	switch {
	case len(args) == 2 && kinds[args[0]] != nil:
		rate, err := kinds[args[0]](args[1])
		return fmt.Sprintf("%.1f", rate), err
	case len(args) == 2 && args[0] == "wait":
		return wait(args[1])
	case len(args) == 3 && bulk[args[0]] != nil:
		mb, err := strconv.Atoi(args[2])
		if err != nil {
			return "", err
		}
		begin := time.Now()
		f, err := bulk[args[0]](args[1], mb*1e6)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%.1f", float64(mb)/time.Since(begin).Seconds()), f.Close()
	}
	return "", errors.New("usage: load write|overwrite|append|read|wait DIRECTORY, or load fill|scatter DIRECTORY MEGABYTES")
}

// repeat calls fn again and again for a while, and returns how often in a second.
func repeat(fn func(i int) error) (float64, error) {
	begin := time.Now()
	for i := 0; ; i++ {
		if err := fn(i); err != nil {
			return 0, err
		}
		if took := time.Since(begin); took > lasts {
			return float64(i+1) / took.Seconds(), nil
		}
	}
}

// fill makes a file of the size that is on disk.
func fill(path string, size, flags int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR|flags, 0o600)
	if err != nil {
		return nil, err
	}
	chunk, err := aligned(1 << 20)
	if err != nil {
		return nil, err
	}
	for i := range chunk {
		chunk[i] = byte(rand.Uint32())
	}
	for n := range size / len(chunk) {
		binary.LittleEndian.PutUint64(chunk, uint64(n)) // no two are the same
		if _, err := f.Write(chunk); err != nil {
			return nil, err
		}
	}
	return f, f.Sync()
}

// aligned memory can be read into and written from past the page cache.
func aligned(size int) ([]byte, error) {
	return unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

// write is megabytes of one file, and on disk.
func write(dir string) (float64, error) {
	path := filepath.Join(dir, "long")
	begin := time.Now()
	f, err := fill(path, long, 0)
	took := time.Since(begin)
	if err == nil {
		err = f.Close()
	}
	_ = os.Remove(path)
	return float64(long) / 1e6 / took.Seconds(), err
}

// overwrite is blocks anywhere in a file that is there, each on disk before the next one: what a database does.
func overwrite(dir string) (float64, error) {
	f, err := fill(filepath.Join(dir, "overwritten"), span, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	b := make([]byte, block)
	return repeat(func(i int) error {
		b[0] = byte(i)
		if _, err := f.WriteAt(b, rand.Int64N(span/block)*block); err != nil {
			return err
		}
		return unix.Fdatasync(int(f.Fd()))
	})
}

// appendTo is blocks at the end of a file, each on disk before the next one: what a log does.
func appendTo(dir string) (float64, error) {
	path := filepath.Join(dir, "appended")
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer os.Remove(path)
	defer f.Close()
	b := make([]byte, block)
	return repeat(func(int) error {
		if _, err := f.Write(b); err != nil {
			return err
		}
		return unix.Fdatasync(int(f.Fd()))
	})
}

// read is blocks anywhere in a file, from the disk.
func read(dir string) (float64, error) {
	path := filepath.Join(dir, "read")
	f, err := fill(path, long, unix.O_DIRECT)
	if err != nil {
		return 0, err
	}
	defer os.Remove(path)
	defer f.Close()
	b, err := aligned(block)
	if err != nil {
		return 0, err
	}
	return repeat(func(int) error {
		_, err := f.ReadAt(b, rand.Int64N(long/block)*block)
		return err
	})
}
