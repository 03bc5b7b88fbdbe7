// Package logfile keeps what a container wrote, in files of bounded size.
//
// A log is a directory. current.log receives lines of JSON (stream, time, text); when it is full it becomes
// current.log.1, and what was .1 becomes .2, up to the number of files that are kept. A log is written by one Writer
// at a time and outlives it: the next one appends. Any number of readers may read meanwhile; those that are given the
// Writer see a whole that rotation does not tear, and can follow it.
//
// A power cut may tear the last line: the next Writer begins on a line of its own, and readers pass over the torn one.
package logfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	current = "current.log"
	minSize = 4 << 10 // of a file: below, rotation would be all that is done
)

// Defaults of a log: ten files of 5 MB.
const (
	DefaultFiles = 10
	DefaultSize  = 5_000_000
)

// Writer appends to a log.
type Writer struct {
	dir      string
	maxFiles int
	maxSize  int64

	mu      sync.Mutex
	f       *os.File
	size    int64
	torn    bool          // the last write was cut short: end its line first
	turns   int           // how often this Writer has rotated
	changed chan struct{} // closed at each append
	closed  bool
	buf     []byte
}

// Open opens the log in dir for appending, and makes it if need be. Zero maxFiles or maxSize are the defaults.
func Open(dir string, maxFiles int, maxSize int64) (*Writer, error) {
	if maxFiles <= 0 {
		maxFiles = DefaultFiles
	}
	if maxSize <= 0 {
		maxSize = DefaultSize
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the log's directory: %w", err)
	}
	w := &Writer{dir: dir, maxFiles: maxFiles, maxSize: max(maxSize, minSize), changed: make(chan struct{})}
	if err := w.open(); err != nil {
		return nil, err
	}
	return w, nil
}

// name is the path of the n-th newest file of a log; 0 is the one being written.
func name(dir string, n int) string {
	p := filepath.Join(dir, current)
	if n > 0 {
		p = fmt.Sprintf("%s.%d", p, n)
	}
	return p
}

func (w *Writer) open() error {
	f, err := os.OpenFile(name(w.dir, 0), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return fmt.Errorf("opening the log: %w", err)
	}
	w.f, w.size, w.torn = f, st.Size(), false
	if w.size > 0 {
		last := make([]byte, 1)
		_, err := f.ReadAt(last, w.size-1)
		w.torn = err != nil || last[0] != '\n'
	}
	return nil
}

// Write appends lines (or parts of long ones: those have no newline) that a stream yielded at one time. What cannot be
// written, the disk being full, is lost; the container goes on.
func (w *Writer) Write(stream string, at time.Time, lines ...[]byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return os.ErrClosed
	}
	var err error
	w.buf = w.buf[:0]
	for _, l := range lines {
		mark := len(w.buf)
		w.buf = appendEntry(w.buf, stream, l, at)
		if w.size+int64(len(w.buf)) > w.maxSize && w.size+int64(mark) > 0 {
			entry := append([]byte(nil), w.buf[mark:]...)
			err = errors.Join(err, w.flush(w.buf[:mark]), w.rotate())
			w.buf = append(w.buf[:0], entry...)
		}
	}
	err = errors.Join(err, w.flush(w.buf))
	close(w.changed)
	w.changed = make(chan struct{})
	return err
}

func (w *Writer) flush(p []byte) error {
	if len(p) == 0 || w.f == nil {
		return nil
	}
	if w.torn {
		if _, err := w.f.Write([]byte{'\n'}); err != nil {
			return err
		}
		w.torn = false
		w.size++
	}
	n, err := w.f.Write(p)
	w.size += int64(n)
	w.torn = n > 0 && n < len(p)
	return err
}

// rotate begins a new file. If it cannot, the present one goes on.
func (w *Writer) rotate() error {
	for i := w.maxFiles - 1; i > 0; i-- {
		if err := os.Rename(name(w.dir, i-1), name(w.dir, i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("rotating the log: %w", err)
		}
	}
	if w.maxFiles == 1 {
		if err := os.Remove(name(w.dir, 0)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("rotating the log: %w", err)
		}
	}
	old := w.f
	if err := w.open(); err != nil {
		return err
	}
	w.turns++
	return old.Close()
}

// Close ends the writing; readers that follow the log come to their end.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	close(w.changed)
	return w.f.Close()
}

// state returns a channel that is closed at the next append, whether there can be one, and the number of the file
// that is being written.
func (w *Writer) state() (changed <-chan struct{}, alive bool, turn int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed, !w.closed, w.turns
}

// openTurn opens the file that was, or is, the turn-th; of those that are gone, the oldest there is.
func (w *Writer) openTurn(turn int) (f *os.File, is int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ; turn < w.turns; turn++ {
		if f, err := os.Open(name(w.dir, w.turns-turn)); err == nil {
			return f, turn, nil
		}
	}
	f, err = os.Open(name(w.dir, 0))
	return f, w.turns, err
}
