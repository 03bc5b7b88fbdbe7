package logfile

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/hypercloud/hyper/internal/engine"
)

// follow goes on behind offset at of the turn-th file f, over rotations, until w is closed and all is read. It closes f.
func follow(ctx context.Context, w *Writer, f *os.File, turn int, at int64, opts engine.LogOptions, fn func(engine.LogEntry) error) error {
	defer func() {
		if f != nil {
			f.Close()
		}
	}()
	var until <-chan time.Time
	if !opts.Until.IsZero() {
		t := time.NewTimer(time.Until(opts.Until))
		defer t.Stop()
		until = t.C
	}
	if f == nil {
		var err error
		if f, turn, err = w.openTurn(turn); err != nil {
			return fmt.Errorf("opening the log: %w", err)
		}
	}
	for {
		changed, alive, now := w.state()
		if _, err := f.Seek(at, io.SeekStart); err != nil {
			return fmt.Errorf("reading the log: %w", err)
		}
		n, err := scan(f, fn)
		if err != nil {
			return err
		}
		at += n
		if now > turn { // nothing more comes into this file
			f.Close()
			f, turn, err = w.openTurn(turn + 1)
			if err != nil {
				return fmt.Errorf("opening the log: %w", err)
			}
			at = 0
			continue
		}
		if !alive {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-until:
			return nil
		case <-changed:
		}
	}
}
