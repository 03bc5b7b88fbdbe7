package logfile

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hypercloud/hyper/internal/engine"
)

// Read calls fn with the entries that opts picks, oldest first. With Follow it goes on while w (the log's writer, nil if
// there is none) is open and ctx is not done.
func Read(ctx context.Context, dir string, w *Writer, opts engine.LogOptions, fn func(engine.LogEntry) error) error {
	files := newest(dir)
	if len(files) == 0 && (!opts.Follow || w == nil) {
		return nil
	}
	pick := func(e engine.LogEntry) bool {
		return (e.Stream == "stdout" && opts.Stdout || e.Stream == "stderr" && opts.Stderr) &&
			(opts.Since.IsZero() || !e.Time.Before(opts.Since)) && (opts.Until.IsZero() || !e.Time.After(opts.Until))
	}
	var open []*os.File // oldest first; held open, so that rotation cannot take them away
	for i := len(files) - 1; i >= 0; i-- {
		if f, err := os.Open(files[i]); err == nil {
			defer f.Close()
			open = append(open, f)
		}
	}
	var end int64
	var tail []engine.LogEntry
	for _, f := range open {
		n, err := scan(f, func(e engine.LogEntry) error {
			if !pick(e) {
				return nil
			}
			if opts.Tail < 0 {
				return fn(e)
			}
			tail = append(tail, e)
			if len(tail) > 2*opts.Tail+1024 {
				tail = append([]engine.LogEntry(nil), tail[len(tail)-opts.Tail:]...)
			}
			return ctx.Err()
		})
		if err != nil {
			return err
		}
		end = n
	}
	if opts.Tail >= 0 {
		for _, e := range tail[max(0, len(tail)-opts.Tail):] {
			if err := fn(e); err != nil {
				return err
			}
		}
	}
	if !opts.Follow || w == nil {
		return nil
	}
	var last *os.File
	if len(open) > 0 {
		last = open[len(open)-1]
	}
	return follow(ctx, dir, w, last, end, func(e engine.LogEntry) error {
		if !pick(e) {
			return nil
		}
		return fn(e)
	})
}

func follow(ctx context.Context, dir string, w *Writer, f *os.File, at int64, fn func(engine.LogEntry) error) error {
	for {
		changed, alive := w.more()
		if f != nil {
			if _, err := f.Seek(at, io.SeekStart); err != nil {
				return err
			}
			n, err := scan(f, fn)
			if err != nil {
				return err
			}
			at += n
		}
		// When the log was rotated, what follows is in a new file.
		if next, err := os.Open(filepath.Join(dir, current)); err == nil {
			a, err1 := next.Stat()
			same := false
			if f != nil && err1 == nil {
				if b, err := f.Stat(); err == nil {
					same = os.SameFile(a, b)
				}
			}
			if !same {
				if f != nil {
					if n, err := scan(f, fn); err == nil { // what came between reading and rotating
						at += n
					}
				}
				f, at = next, 0
				defer next.Close()
				continue
			}
			next.Close()
		}
		if !alive {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// scan reads whole lines from f's position and returns how many bytes they were. Lines that cannot be read (torn by a power cut) are passed over.
func scan(f *os.File, fn func(engine.LogEntry) error) (int64, error) {
	r := bufio.NewReaderSize(f, 64<<10)
	var n int64
	for {
		raw, err := r.ReadBytes('\n')
		if err != nil {
			if errors.Is(err, io.EOF) {
				return n, nil
			}
			return n, fmt.Errorf("reading the log: %w", err)
		}
		n += int64(len(raw))
		var l line
		if json.Unmarshal(bytes.TrimSpace(raw), &l) != nil || l.Stream == "" {
			continue
		}
		if err := fn(engine.LogEntry{Time: l.Time, Stream: l.Stream, Line: []byte(l.Log)}); err != nil {
			return n, err
		}
	}
}

// newest lists the log's files, newest first.
func newest(dir string) []string {
	var out []string
	for i := 0; ; i++ {
		p := filepath.Join(dir, current)
		if i > 0 {
			p = fmt.Sprintf("%s.%d", p, i)
		}
		if _, err := os.Stat(p); err != nil {
			if i == 0 {
				continue
			}
			return out
		}
		out = append(out, p)
	}
}
