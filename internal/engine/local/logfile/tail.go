package logfile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/hypercloud/hyper/internal/engine"
)

const tailBlock = 64 << 10

// tail calls fn with the newest opts.Tail entries that opts picks. It reads the files (oldest first) from their ends, no
// further than it must, and says how much of the newest file is behind it.
func tail(ctx context.Context, files []*os.File, opts engine.LogOptions, fn func(engine.LogEntry) error) (end int64, err error) {
	var found []engine.LogEntry // newest first
	for i, f := range slices.Backward(files) {
		n, err := backward(f, func(raw []byte) bool {
			e, ok := parse(raw)
			if ok && picks(opts, e) && len(found) < opts.Tail {
				found = append(found, e)
			}
			return len(found) < opts.Tail && ctx.Err() == nil && (!ok || !e.Time.Before(opts.Since))
		})
		if err != nil {
			return end, err
		}
		if i == len(files)-1 {
			end = n
		}
		if len(found) >= opts.Tail {
			break
		}
	}
	for _, e := range slices.Backward(found) {
		if err := ctx.Err(); err != nil {
			return end, err
		}
		if err := fn(e); err != nil {
			return end, err
		}
	}
	return end, nil
}

// backward calls fn with a file's whole lines, last first, while it returns true. It returns the size of the file up to
// its last newline.
func backward(f *os.File, fn func(raw []byte) bool) (end int64, err error) {
	at, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, fmt.Errorf("reading the log: %w", err)
	}
	var part []byte // from at on: the end of a line whose beginning is before at
	whole := false  // the part ends with a newline
	for at > 0 {
		n := min(at, tailBlock)
		block := make([]byte, n, n+int64(len(part)))
		if _, err := f.ReadAt(block, at-n); err != nil {
			return end, fmt.Errorf("reading the log: %w", err)
		}
		part = append(block, part...)
		if !whole {
			// What is behind the last newline is still being written.
			i := bytes.LastIndexByte(part, '\n')
			if i < 0 {
				at -= n
				part = nil
				continue
			}
			part, whole = part[:i+1], true
			end = at - n + int64(i) + 1
		}
		at -= n
		for {
			i := bytes.LastIndexByte(part[:len(part)-1], '\n')
			if i < 0 {
				break
			}
			if !fn(part[i+1:]) {
				return end, nil
			}
			part = part[:i+1]
		}
	}
	if len(part) > 0 {
		fn(part)
	}
	return end, nil
}
