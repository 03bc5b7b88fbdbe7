// Package drive simulates disks: with a write cache that is lost when the power is cut, and with places that cannot
// be written.
//
// A drive is a file of a FUSE file system, and a loop device makes a block device of it. What is written stays in the drive's
// cache until somebody flushes it, as on a real disk, so that software which does not flush is found out: Cut gives the disk
// as it may be after a power cut, with all that was flushed and an arbitrary part of what was not.
package drive

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
)

const (
	pageSize  = 4096 // what is written whole or not at all
	chunkSize = 512  // pages
)

// A page is never changed once it is written; nil is zeros.
type page *[pageSize]byte

// chunk is a part of a drive's content. Whoever is not its owner changes a copy of it.
type chunk struct {
	owner *Drive
	pages [chunkSize]page
}

// errBroken is what a write to a broken place gives.
var errBroken = errors.New("the drive fails")

// Drive is a disk in memory. It is safe for concurrent use.
type Drive struct {
	size int64

	mu     sync.Mutex
	chunks []*chunk
	cache  map[int64][]page // what was written since the last flush: the contents that each page had, in turn
	broken func(page int64) bool
}

// New makes a drive full of zeros. Its size is a multiple of 2 MiB.
func New(size int64) *Drive {
	return &Drive{size: size, chunks: make([]*chunk, size/(pageSize*chunkSize)), cache: map[int64][]page{}}
}

// Break makes writes to some pages fail from now on, or with nil to none.
func (d *Drive) Break(pages func(page int64) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.broken = pages
}

// Cut is the drive as it may be when the power is cut now: each page that was written since the last flush has any of the contents
// that it had since. The drive itself goes on, and the two share nothing that either changes.
func (d *Drive) Cut(r *rand.Rand) *Drive {
	d.mu.Lock()
	defer d.mu.Unlock()
	cut := &Drive{size: d.size, chunks: slices.Clone(d.chunks), cache: map[int64][]page{}}
	for _, c := range d.chunks {
		if c != nil {
			c.owner = nil
		}
	}
	survives := r.Float64() // from a cache that lost nearly all to one that lost nearly nothing
	for n, contents := range d.cache {
		if r.Float64() < survives {
			cut.put(n, contents[r.IntN(len(contents))])
		}
	}
	return cut
}

// put changes a page for good.
func (d *Drive) put(n int64, p page) {
	c := d.chunks[n/chunkSize]
	switch {
	case c == nil && p == nil:
		return
	case c == nil:
		c = &chunk{owner: d}
	case c.owner != d:
		c = &chunk{owner: d, pages: c.pages}
	}
	d.chunks[n/chunkSize] = c
	c.pages[n%chunkSize] = p
}

// get is a page as it reads now.
func (d *Drive) get(n int64) page {
	if contents := d.cache[n]; len(contents) > 0 {
		return contents[len(contents)-1]
	}
	if c := d.chunks[n/chunkSize]; c != nil {
		return c.pages[n%chunkSize]
	}
	return nil
}

// within calls fn for each page that a range touches, with the range's part in it and where that part begins in the range.
func (d *Drive) within(off int64, length int, fn func(n int64, from, to, at int)) {
	for at := 0; at < length && off < d.size; {
		from := int(off % pageSize)
		to := min(pageSize, from+length-at)
		fn(off/pageSize, from, to, at)
		off, at = off+int64(to-from), at+to-from
	}
}

func (d *Drive) read(b []byte, off int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.within(off, len(b), func(n int64, from, to, at int) {
		if p := d.get(n); p != nil {
			copy(b[at:], p[from:to])
		} else {
			clear(b[at : at+to-from])
		}
	})
}

var zeros [pageSize]byte

// write puts b into the cache; nil stands for length zeros.
func (d *Drive) write(b []byte, off int64, length int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	broken := false
	d.within(off, length, func(n int64, _, _, _ int) { broken = broken || d.broken != nil && d.broken(n) })
	if broken {
		return errBroken
	}
	d.within(off, length, func(n int64, from, to, at int) {
		old := d.get(n)
		if b == nil && old == nil {
			return
		}
		var content [pageSize]byte
		if old != nil && to-from < pageSize {
			content = *old
		}
		if b == nil {
			clear(content[from:to])
		} else {
			copy(content[from:to], b[at:])
		}
		var p page
		if !bytes.Equal(content[:], zeros[:]) {
			p = &content
		}
		d.cache[n] = append(d.cache[n], p)
	})
	return nil
}

// flush makes durable what was written before.
func (d *Drive) flush() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for n, contents := range d.cache {
		d.put(n, contents[len(contents)-1])
	}
	clear(d.cache)
}
