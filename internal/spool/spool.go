// Package spool keeps a request's body until all of it is there, since the signature scheme needs its hash before
// anything is sent, and before anything is done. What is small stays in memory; more goes to a file that has no name,
// so that nobody else can open it and nothing is left behind, however the process ends.
package spool

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// Memory is how many bytes of a body stay in memory.
const Memory = 1 << 20

// Body is a whole body. Reading it does not use it up: Reader starts at the beginning each time.
type Body struct {
	memory []byte
	file   *os.File
	size   int64
	hash   string
}

// Read reads r to its end, at most limit bytes of it (no limit if it is not above 0); more is ErrTooLarge. Files are
// made in dir, or where the system keeps temporary ones if it is empty. An error of r is returned as it is.
func Read(r io.Reader, dir string, limit int64) (*Body, error) {
	if limit > 0 {
		r = &limited{Reader: r, left: limit}
	}
	sum := sha256.New()
	r = io.TeeReader(r, sum)
	var first bytes.Buffer
	n, err := io.CopyN(&first, r, Memory)
	if err != nil && err != io.EOF {
		return nil, err
	}
	b := &Body{memory: first.Bytes(), size: n}
	if err == nil { // There may be more.
		if err := b.spill(r, dir); err != nil {
			b.Close()
			return nil, err
		}
	}
	b.hash = hex.EncodeToString(sum.Sum(nil))
	return b, nil
}

// spill puts what is left of r into a file.
func (b *Body) spill(r io.Reader, dir string) error {
	var one [1]byte // Asked for first: a body that just fits needs no file.
	if _, err := io.ReadFull(r, one[:]); err == io.EOF {
		return nil
	} else if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "hyper-body-")
	if err != nil {
		return fmt.Errorf("make a file for a large body: %w", err)
	}
	b.file = f
	if err := os.Remove(f.Name()); err != nil {
		return fmt.Errorf("make a file for a large body: %w", err)
	}
	if _, err := f.Write(one[:]); err != nil {
		return fmt.Errorf("keep a large body: %w", err)
	}
	n, err := io.Copy(f, r)
	b.size += 1 + n
	return err
}

// Size is the number of bytes.
func (b *Body) Size() int64 { return b.size }

// Hash is the SHA-256 of the body in lower-case hex.
func (b *Body) Hash() string { return b.hash }

// Reader reads the body from its beginning. It is good until Close.
func (b *Body) Reader() io.Reader {
	if b.file == nil {
		return bytes.NewReader(b.memory)
	}
	return io.MultiReader(bytes.NewReader(b.memory), io.NewSectionReader(b.file, 0, b.size-int64(len(b.memory))))
}

// Close lets the body go.
func (b *Body) Close() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}

// ErrTooLarge says that a body has more bytes than are read.
var ErrTooLarge = errors.New("the body is too large")

type limited struct {
	io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 { // One more tells whether the limit is passed.
		p = p[:l.left+1]
	}
	n, err := l.Reader.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, ErrTooLarge
	}
	return n, err
}
