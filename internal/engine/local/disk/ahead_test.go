package disk

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

func TestDifferences(t *testing.T) {
	for name, tc := range map[string]struct {
		one, other []piece
		want       []span
	}{
		"nothing":               {nil, nil, nil},
		"the same":              {[]piece{{0, 100, 8}}, []piece{{0, 100, 8}}, nil},
		"the same, in parts":    {[]piece{{0, 100, 8}}, []piece{{0, 100, 2}, {2, 102, 6}}, nil},
		"only in the one":       {[]piece{{4, 100, 8}}, nil, []span{{4, 12}}},
		"only in the other":     {nil, []piece{{4, 100, 8}}, []span{{4, 12}}},
		"elsewhere":             {[]piece{{0, 100, 8}}, []piece{{0, 200, 8}}, []span{{0, 8}}},
		"one page elsewhere":    {[]piece{{0, 100, 4}, {4, 300, 1}, {5, 105, 3}}, []piece{{0, 100, 8}}, []span{{4, 5}}},
		"a hole in the one":     {[]piece{{0, 100, 2}, {4, 104, 4}}, []piece{{0, 100, 8}}, []span{{2, 4}}},
		"a hole in the other":   {[]piece{{0, 100, 8}}, []piece{{0, 100, 2}, {4, 104, 4}}, []span{{2, 4}}},
		"beyond the other":      {[]piece{{0, 100, 8}, {10, 110, 2}}, []piece{{0, 100, 8}}, []span{{10, 12}}},
		"one after the other":   {[]piece{{0, 100, 2}}, []piece{{2, 102, 2}}, []span{{0, 4}}},
		"moved by a page":       {[]piece{{0, 100, 4}}, []piece{{1, 100, 4}}, []span{{0, 5}}},
		"holes at other places": {[]piece{{0, 100, 1}, {2, 102, 1}}, []piece{{1, 101, 1}, {2, 102, 1}, {3, 103, 1}}, []span{{0, 2}, {3, 4}}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := differences(tc.one, tc.other); !slices.Equal(got, tc.want) {
				t.Errorf("they are %v, want %v", got, tc.want)
			}
		})
	}
}

// Whatever two files look like, the differences are the pages that do not lie at the same place.
func TestDifferencesOfAny(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const size = 64
	random := func() (list []piece) {
		for at := uint64(r.IntN(4)); at < size; {
			p := piece{at, 1000 + at, 1 + uint64(r.IntN(5))}
			if r.IntN(3) == 0 {
				p.on = uint64(2000 + r.IntN(2)*500 + int(at))
			}
			p.length = min(p.length, size-at)
			list = append(list, p)
			at = p.end() + uint64(max(0, r.IntN(6)-3))
		}
		return list
	}
	places := func(list []piece) (at [size]uint64) {
		for _, p := range list {
			for i := range p.length {
				at[p.at+i] = p.on + i
			}
		}
		return at
	}
	for range 20_000 {
		one, other := random(), random()
		x, y := places(one), places(other)
		all := differences(one, other)
		var got [size]bool
		for i, s := range all {
			if s.from >= s.to || i > 0 && s.from <= all[i-1].to {
				t.Fatalf("%v and %v: spans are %v", one, other, all)
			}
			for p := s.from; p < s.to; p++ {
				got[p] = true
			}
		}
		for p := range got {
			if got[p] != (x[p] != y[p]) {
				t.Fatalf("%v and %v: page %d is in %v: %v", one, other, p, all, got[p])
			}
		}
		var cut []span
		for _, s := range parts(all, one, 2) {
			n := 0
			for _, p := range one {
				if p.at < s.to && p.end() > s.from {
					n++
				}
			}
			if n > 2 || s.from >= s.to {
				t.Fatalf("%v of %v: the part %v has %d pieces", all, one, s, n)
			}
			if k := len(cut); k > 0 && cut[k-1].to == s.from {
				cut[k-1].to = s.to
			} else {
				cut = append(cut, s)
			}
		}
		if !slices.Equal(cut, all) {
			t.Fatalf("the parts of %v make %v", all, cut)
		}
	}
}

// TestCloneAhead clones a file in many pieces while writers overwrite it, punch holes into it and zero parts of it: the clone is, byte for byte,
// what the file is when they have stopped.
func TestCloneAhead(t *testing.T) {
	d, err := open(t.Context(), Config{Dir: place(t)}, noReflinks)
	must(t, err)
	const size, page = 32 << 20, 4096
	path := filepath.Join(d.pool, "src")
	src, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|unix.O_DIRECT, 0o600)
	must(t, err)
	defer src.Close()
	must(t, src.Truncate(size))
	data, err := unix.Mmap(-1, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	must(t, err)
	defer func() { must(t, unix.Munmap(data)) }()
	r := rand.New(rand.NewPCG(5, 6))
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	change := func(r *rand.Rand) error {
		at, n := int64(r.IntN(size/page))*page, int64(1+r.IntN(4))*page
		n = min(n, size-at)
		switch r.IntN(8) {
		case 0:
			return unix.Fallocate(int(src.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, at, n)
		case 1:
			return unix.Fallocate(int(src.Fd()), unix.FALLOC_FL_ZERO_RANGE|unix.FALLOC_FL_KEEP_SIZE, at, n)
		case 2:
			return unix.Fallocate(int(src.Fd()), unix.FALLOC_FL_KEEP_SIZE, at, n)
		}
		from := int64(r.IntN((len(data)-int(n))/page)) * page
		_, err := unix.Pwrite(int(src.Fd()), data[from:from+n], at)
		return err
	}
	for range 4000 {
		must(t, change(r))
	}
	ahead := 0
	for round := range 8 {
		dst, err := os.OpenFile(filepath.Join(d.pool, "dst"), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
		must(t, err)
		must(t, dst.Truncate(size))
		var stop atomic.Bool
		var writers sync.WaitGroup
		failed := make(chan error, 2)
		for w := range 2 {
			writers.Go(func() {
				for r := rand.New(rand.NewPCG(uint64(round), uint64(w))); !stop.Load(); {
					if err := change(r); err != nil {
						failed <- err
						return
					}
				}
			})
		}
		a, err := d.cloneAhead(t.Context(), dst, src)
		must(t, err)
		if a.begun {
			ahead++
		}
		stop.Store(true)
		writers.Wait()
		close(failed)
		must(t, <-failed)
		must(t, a.finish())
		a.release()
		is, err := os.ReadFile(path)
		must(t, err)
		got, err := os.ReadFile(dst.Name())
		must(t, err)
		if !bytes.Equal(is, got) {
			for i := 0; i < size; i += page {
				if !bytes.Equal(is[i:i+page], got[i:i+page]) {
					t.Fatalf("round %d: page %d differs", round, i/page)
				}
			}
			t.Fatalf("round %d: the clone has %d bytes", round, len(got))
		}
		must(t, dst.Close())
	}
	if ahead < 4 {
		t.Errorf("of 8 clones %d were begun ahead: the file has too few pieces to prove anything", ahead)
	}
	// Without writers nothing is left to do when they would wait.
	dst, err := os.OpenFile(filepath.Join(d.pool, "dst"), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	must(t, err)
	defer dst.Close()
	must(t, dst.Truncate(size))
	a, err := d.cloneAhead(t.Context(), dst, src)
	must(t, err)
	defer a.release()
	pieces, err := piecesOf(src)
	must(t, err)
	if left := differences(pieces, a.has); !a.begun || len(left) > 0 {
		t.Errorf("begun: %v, of %d pieces %d are left", a.begun, len(pieces), len(left))
	}
}
