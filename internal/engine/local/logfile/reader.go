package logfile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/hypercloud/hyper/internal/engine"
)

// Read calls fn with the entries that opts picks, oldest first. With Follow it goes on until w (the log's present
// writer, nil if there is none) is closed and all is read, or ctx is done.
func Read(ctx context.Context, dir string, w *Writer, opts engine.LogOptions, fn func(engine.LogEntry) error) error {
	files, turn, err := snapshot(dir, w)
	if err != nil {
		return err
	}
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	picked := func(e engine.LogEntry) error {
		if err := ctx.Err(); err != nil || !picks(opts, e) {
			return err
		}
		return fn(e)
	}
	var end int64 // what is read of the newest file
	if opts.Tail >= 0 {
		end, err = tail(ctx, files, opts, fn)
	} else {
		end, err = forward(files, opts, picked)
	}
	if err != nil || !opts.Follow || w == nil {
		return err
	}
	var last *os.File
	if len(files) > 0 {
		last = files[len(files)-1]
		files = files[:len(files)-1] // follow closes it
	}
	return follow(ctx, w, last, turn, end, opts, picked)
}

// picks reports whether an entry is asked for.
func picks(opts engine.LogOptions, e engine.LogEntry) bool {
	switch e.Stream {
	case "stdout":
		if !opts.Stdout {
			return false
		}
	case "stderr":
		if !opts.Stderr {
			return false
		}
	}
	return (opts.Since.IsZero() || !e.Time.Before(opts.Since)) && (opts.Until.IsZero() || !e.Time.After(opts.Until))
}

// snapshot opens a log's files, oldest first. The newest is the turn-th of w. Held open, they stay readable whatever
// rotation does.
func snapshot(dir string, w *Writer) (files []*os.File, turn int, err error) {
	if w != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		turn = w.turns
	}
	for _, n := range numbers(dir) {
		f, err := os.Open(name(dir, n))
		if errors.Is(err, os.ErrNotExist) {
			continue // rotated away, there being no w to hold it
		}
		if err != nil {
			for _, f := range files {
				f.Close()
			}
			return nil, turn, fmt.Errorf("opening the log: %w", err)
		}
		files = append(files, f)
	}
	return files, turn, nil
}

// numbers lists the numbers of a log's files, oldest first. A rotation that a power cut ended may have left a gap.
func numbers(dir string) []int {
	entries, _ := os.ReadDir(dir) // a log that was never written has no files
	var out []int
	for _, e := range entries {
		suffix, ok := strings.CutPrefix(e.Name(), current)
		if !ok {
			continue
		}
		if suffix == "" {
			out = append(out, 0)
		} else if n, err := strconv.Atoi(suffix[1:]); err == nil && suffix[0] == '.' && n > 0 {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	slices.Reverse(out)
	return out
}

// forward reads whole files and says how much it read of the newest.
func forward(files []*os.File, opts engine.LogOptions, fn func(engine.LogEntry) error) (end int64, err error) {
	for i, f := range files {
		// A file that was last written to before Since holds nothing that is asked for.
		if st, err := f.Stat(); err == nil && i < len(files)-1 && st.ModTime().Before(opts.Since) {
			continue
		}
		if end, err = scan(f, fn); err != nil {
			return end, err
		}
	}
	return end, nil
}

// scan reads whole lines from f's position and returns how many bytes they were.
func scan(f io.Reader, fn func(engine.LogEntry) error) (int64, error) {
	r := bufio.NewReaderSize(f, 64<<10)
	var n int64
	for {
		raw, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return n, nil // without its newline, it is still being written
		}
		if err != nil {
			return n, fmt.Errorf("reading the log: %w", err)
		}
		n += int64(len(raw))
		if e, ok := parse(raw); ok {
			if err := fn(e); err != nil {
				return n, err
			}
		}
	}
}
