package runtime

import (
	"context"
	"io"
	"os"
	"sync"
	"time"
)

// input is a process's stdin as hyperd holds it. Each client that feeds it has the pipe open for itself, so that one who
// goes away in the middle of a write holds up no other.
type input struct {
	path string // "": there is none
	// tell makes the shim let go of its own end; the process's stdin ends when all ends are closed.
	tell func()

	mu    sync.Mutex
	open  map[*os.File]struct{}
	ended bool
}

func newInput(path string, tell func()) *input {
	return &input{path: path, tell: tell, open: map[*os.File]struct{}{}}
}

// feed copies what from yields into the process's stdin until it ends or ctx is done. At its end stdin is ended too, if
// that is asked for.
func (in *input) feed(ctx context.Context, from io.Reader, end bool) {
	f := in.take()
	if f == nil {
		return
	}
	defer in.giveBack(f)
	stop := context.AfterFunc(ctx, func() { f.Close() }) // ends a write into a full pipe
	defer stop()
	_, err := io.Copy(onlyWriter{f}, from)
	if err == nil && end && ctx.Err() == nil {
		in.end(f)
	}
}

// onlyWriter hides that a file can read for itself: a client's connection is read as its Reader says.
type onlyWriter struct{ io.Writer }

func (in *input) take() *os.File {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.ended || in.path == "" {
		return nil
	}
	f, err := openInput(in.path)
	if err != nil {
		return nil
	}
	in.open[f] = struct{}{}
	return f
}

func (in *input) giveBack(f *os.File) {
	in.mu.Lock()
	delete(in.open, f)
	in.mu.Unlock()
	f.Close()
}

// end ends the process's stdin.
func (in *input) end(f *os.File) {
	// The shim opens its end in its own time. Were ours closed before, what is in the pipe would be lost, and the end not seen.
	for range 100 {
		if pending(f) == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	in.tell()
	time.Sleep(20 * time.Millisecond)
	in.close()
}

// close lets go of stdin on hyperd's side.
func (in *input) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ended = true
	for f := range in.open {
		f.Close()
	}
}
