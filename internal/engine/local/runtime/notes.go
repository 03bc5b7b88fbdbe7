package runtime

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hypercloud/hyper/internal/boottime"
)

// The names of the shim's notes of when a container's process began and ended, beside its pipes. A shim of an earlier version writes none.
const (
	startedNote = "started"
	endedNote   = "ended"
)

func (r *Runtime) startedBoot(k key) time.Duration {
	return boottime.Noted(filepath.Join(r.ioDir(k), startedNote))
}

func (r *Runtime) endedBoot(k key) time.Duration {
	return boottime.Noted(filepath.Join(r.ioDir(k), endedNote))
}

// clearNotes removes what is noted of an earlier process, whose removal was cut off.
func (r *Runtime) clearNotes(k key) error {
	for _, name := range []string{startedNote, endedNote} {
		if err := os.Remove(filepath.Join(r.ioDir(k), name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("removing what was noted of an earlier process: %w", err)
		}
	}
	return nil
}
