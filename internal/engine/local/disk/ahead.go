package disk

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// A clone of a file goes through its extents, one by one, and whoever writes to the file waits for the end of it. Where they are many, as in
// a database's disk after years, that is seconds. So most of it is done ahead, in small parts, while writers go on: each part is what the file was
// at some moment. Then, with the writers stopped, the two files' extents are compared, and only where they differ is cloned again. To read where extents lie
// takes a tenth of what sharing them does.
//
// Why the same extents are the same content: what the clone has is shared by both files, so it is never written to again. Whatever is written to the file after
// its part was cloned goes elsewhere on the disk, and the clone holds on to what was there before.

const (
	// extentVague are the flags of extents that do not lie at a place, or not yet: linux/fiemap.h.
	extentVague = 0x2 | 0x4 | 0x8 | 0x80 | 0x100 | 0x200
	// fewPieces is how many extents are shared so fast that nothing needs to be done ahead.
	fewPieces = 512
	// manyPieces is how many are too many to be kept in memory, and bigList how many are so many that two snapshots at a time may.
	manyPieces = 1 << 20
	bigList    = 1 << 16
	// part is how many extents are shared while writers wait: some milliseconds.
	part = 128
	// rounds bounds how often what changed meanwhile is cloned again while writers go on.
	rounds = 4
)

// piece is a run of bytes of a file that lies at one place of the disk.
type piece struct{ at, on, length uint64 }

func (p piece) end() uint64 { return p.at + p.length }

// span is a part of a file.
type span struct{ from, to uint64 }

var errIncomparable = errors.New("the file's extents cannot be compared, or are too many")

// piecesOf lists where a file lies. What was never written reads as zeros, and a clone has a hole there.
func piecesOf(f *os.File) ([]piece, error) {
	var list []piece
	vague := false
	err := eachExtent(f, func(e extent) {
		vague = vague || e.flags&extentVague != 0
		if e.flags&extentUnwritten != 0 || len(list) > manyPieces {
			return
		}
		p := piece{e.logical, e.physical, e.length}
		if n := len(list); n > 0 && list[n-1].end() == p.at && list[n-1].on+list[n-1].length == p.on {
			list[n-1].length += p.length
			return
		}
		list = append(list, p)
	})
	if err == nil && (vague || len(list) > manyPieces) {
		err = errIncomparable
	}
	return list, err
}

// differences are the parts of a file that do not lie where those of another do, in order. Both lists are.
func differences(one, other []piece) []span {
	var out []span
	differ := func(from, to uint64) {
		if n := len(out); n > 0 && out[n-1].to == from {
			out[n-1].to = to
			return
		}
		out = append(out, span{from, to})
	}
	for at := uint64(0); ; {
		for len(one) > 0 && one[0].end() <= at {
			one = one[1:]
		}
		for len(other) > 0 && other[0].end() <= at {
			other = other[1:]
		}
		switch {
		case len(one) == 0 && len(other) == 0:
			return out
		case len(other) == 0 || len(one) > 0 && max(one[0].at, at) < max(other[0].at, at): // only the one has something here
			from, to := max(one[0].at, at), one[0].end()
			if len(other) > 0 {
				to = min(to, other[0].at)
			}
			differ(from, to)
			at = to
		case len(one) == 0 || max(other[0].at, at) < max(one[0].at, at):
			from, to := max(other[0].at, at), other[0].end()
			if len(one) > 0 {
				to = min(to, one[0].at)
			}
			differ(from, to)
			at = to
		default: // both begin here
			from, to := max(one[0].at, at), min(one[0].end(), other[0].end())
			if one[0].on+(from-one[0].at) != other[0].on+(from-other[0].at) {
				differ(from, to)
			}
			at = to
		}
	}
}

// parts cuts spans of a file so that none has more than so many of its pieces.
func parts(spans []span, pieces []piece, most int) []span {
	var out []span
	for _, s := range spans {
		n := 0
		for len(pieces) > 0 && pieces[0].at < s.to {
			if pieces[0].end() > s.from {
				if n++; n > most {
					out = append(out, span{s.from, pieces[0].at})
					s.from, n = pieces[0].at, 1
				}
			}
			if pieces[0].end() > s.to { // goes on in the next span
				break
			}
			pieces = pieces[1:]
		}
		out = append(out, s)
	}
	return out
}

// clonePart makes a part of dst share the blocks of the same part of src.
func clonePart(dst, src *os.File, s span) error {
	return unix.IoctlFileCloneRange(int(dst.Fd()), &unix.FileCloneRange{Src_fd: int64(src.Fd()), Src_offset: s.from, Src_length: s.to - s.from, Dest_offset: s.from})
}

// ahead is a clone that has been begun while its source is written to.
type ahead struct {
	dst, src *os.File
	begun    bool
	has      []piece // of dst, if it was begun
	release  func()
}

// cloneAhead clones what it can of a file that is written to. It does so on XFS only, whose lists of extents say all that there is to know.
func (d *Disks) cloneAhead(ctx context.Context, dst, src *os.File) (a *ahead, err error) {
	a = &ahead{dst: dst, src: src, release: func() {}}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(src.Fd()), &fs); err != nil || fs.Type != xfsMagic {
		return a, err
	}
	pieces, err := piecesOf(src)
	switch {
	case errors.Is(err, errIncomparable), err == nil && len(pieces) <= fewPieces:
		return a, nil
	case err != nil:
		return nil, fmt.Errorf("list the extents of a disk: %w", err)
	case len(pieces) > bigList:
		pieces = nil // while it waits
		if err := d.comparing.Acquire(ctx, 1); err != nil {
			return nil, err
		}
		a.release = func() { d.comparing.Release(1) }
	}
	for range rounds {
		if pieces, err = piecesOf(src); err == nil {
			a.has, err = piecesOf(dst)
		}
		if err != nil {
			break
		}
		todo := differences(pieces, a.has)
		if a.begun && len(todo) <= part {
			return a, nil
		}
		for _, s := range parts(todo, pieces, part) {
			if err = ctx.Err(); err == nil {
				err = clonePart(dst, src, s)
			}
			if err != nil {
				a.release()
				return nil, fmt.Errorf("clone a part of a disk: %w", err)
			}
		}
		a.begun = true
	}
	if err == nil {
		a.has, err = piecesOf(dst)
	}
	if err != nil {
		a.begun, a.has = false, nil
	}
	if err != nil && !errors.Is(err, errIncomparable) {
		a.release()
		return nil, fmt.Errorf("compare the extents of a clone: %w", err)
	}
	return a, nil
}

// finish makes the clone what its source is, which nobody writes to now.
func (a *ahead) finish() error {
	if a.begun {
		pieces, err := piecesOf(a.src)
		if err == nil {
			for _, s := range differences(pieces, a.has) {
				if err := clonePart(a.dst, a.src, s); err != nil {
					return fmt.Errorf("clone a part: %w", err)
				}
			}
			return nil
		}
		if !errors.Is(err, errIncomparable) {
			return fmt.Errorf("compare the extents of a clone: %w", err)
		}
	}
	return unix.IoctlFileClone(int(a.dst.Fd()), int(a.src.Fd()))
}
