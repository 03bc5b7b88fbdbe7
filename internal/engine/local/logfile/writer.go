// Package logfile keeps what a container wrote, in files of bounded size.
//
// A log is a directory. current.log receives lines of JSON (stream, time, text); when it is full it becomes
// current.log.1, and what was .1 becomes .2, up to the number of files that are kept. Lines are written by one
// Writer; any number of readers may read at the same time.
package logfile

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const current = "current.log"

// maxLine is where a long line is cut; its parts have no newline but the last.
const maxLine = 16 << 10

// line is one line of a log file, in the form of Docker's json-file.
type line struct {
	Log    string    `json:"log"`
	Stream string    `json:"stream"`
	Time   time.Time `json:"time"`
}

// Writer appends to a log.
type Writer struct {
	dir      string
	maxFiles int
	maxSize  int64

	mu      sync.Mutex
	f       *os.File
	size    int64
	changed chan struct{} // closed at each append
	closed  bool
}

// Open opens the log in dir for appending, and makes it if need be.
func Open(dir string, maxFiles int, maxSize int64) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the log's directory: %w", err)
	}
	w := &Writer{dir: dir, maxFiles: max(maxFiles, 1), maxSize: max(maxSize, 64<<10), changed: make(chan struct{})}
	return w, w.open()
}

func (w *Writer) open() error {
	f, err := os.OpenFile(filepath.Join(w.dir, current), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return fmt.Errorf("opening the log: %w", err)
	}
	w.f, w.size = f, st.Size()
	// A power cut may have left half a line: what follows must begin on a line of its own.
	if w.size > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, w.size-1); err == nil && last[0] != '\n' {
			n, _ := f.Write([]byte{'\n'})
			w.size += int64(n)
		}
	}
	return nil
}

// Write appends one line, or a part of one.
func (w *Writer) Write(stream string, text []byte, at time.Time) error {
	raw, err := json.Marshal(line{Log: string(text), Stream: stream, Time: at.UTC()})
	if err != nil {
		return err
	}
	raw = append(raw, '\n')
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return os.ErrClosed
	}
	if w.size > 0 && w.size+int64(len(raw)) > w.maxSize {
		if err := w.rotate(); err != nil {
			return err
		}
	}
	n, err := w.f.Write(raw)
	w.size += int64(n)
	close(w.changed)
	w.changed = make(chan struct{})
	return err
}

func (w *Writer) rotate() error {
	path := filepath.Join(w.dir, current)
	for i := w.maxFiles - 1; i > 0; i-- {
		from := path
		if i > 1 {
			from = fmt.Sprintf("%s.%d", path, i-1)
		}
		if err := os.Rename(from, fmt.Sprintf("%s.%d", path, i)); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("rotating the log: %w", err)
		}
	}
	if w.maxFiles == 1 {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("rotating the log: %w", err)
		}
	}
	_ = w.f.Close()
	return w.open()
}

// more returns a channel that is closed at the next append, and whether there can be one.
func (w *Writer) more() (<-chan struct{}, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed, !w.closed
}

// Close ends the log; readers that follow it come to their end.
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
