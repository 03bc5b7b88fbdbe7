package drive

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestCut writes a page before and one after a flush: the first survives each cut, the second some.
func TestCut(t *testing.T) {
	d := New(2 << 20)
	is := func(d *Drive, off int64, want byte) bool {
		b := make([]byte, pageSize)
		d.read(b, off)
		return bytes.Equal(b, bytes.Repeat([]byte{want}, pageSize))
	}
	put := func(off int64, b byte) {
		if err := d.write(bytes.Repeat([]byte{b}, pageSize), off, pageSize); err != nil {
			t.Fatal(err)
		}
	}
	put(0, 'a')
	d.flush()
	put(pageSize, 'b')
	put(pageSize, 'c')
	r := rand.New(rand.NewPCG(1, 2))
	old, first, second := 0, 0, 0
	for range 200 {
		cut := d.Cut(r)
		if !is(cut, 0, 'a') {
			t.Fatal("what was flushed is lost")
		}
		switch {
		case is(cut, pageSize, 0):
			old++
		case is(cut, pageSize, 'b'):
			first++
		case is(cut, pageSize, 'c'):
			second++
		default:
			t.Fatal("a page is something that was never written")
		}
		if err := cut.write(nil, 0, pageSize); err != nil || !is(d, 0, 'a') {
			t.Fatal("a cut's content is the drive's own", err)
		}
	}
	if old == 0 || first == 0 || second == 0 {
		t.Errorf("of what was not flushed, nothing survived %d times, an older write %d times, the last one %d times", old, first, second)
	}
	if !is(d, 0, 'a') || !is(d, pageSize, 'c') {
		t.Error("the drive itself has lost something")
	}
}

func TestBreak(t *testing.T) {
	d := New(2 << 20)
	d.Break(func(n int64) bool { return n == 1 })
	if d.write([]byte("x"), pageSize, 1) == nil || d.write(make([]byte, 2), pageSize-1, 2) == nil {
		t.Error("a broken page can be written")
	}
	if err := d.write([]byte("x"), 0, 1); err != nil {
		t.Error(err)
	}
	d.Break(nil)
	if err := d.write([]byte("x"), pageSize, 1); err != nil {
		t.Error(err)
	}
}
