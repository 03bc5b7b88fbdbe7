package runtime

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/hypercloud/hyper/internal/engine/local/logfile"
)

// hub carries the streams of one run of a container between its pipes, its log and whoever is attached. It comes to be
// when the container is started or adopted, or when somebody attaches before.
type hub struct {
	running chan struct{} // closed when the process runs
	drained chan struct{} // closed when there is no more output
	ended   chan struct{} // closed by close
	intake  *rate.Limiter // of the account's output; may be nil
	paced   context.Context
	hurry   context.CancelFunc // what is left is taken at once

	mu       sync.Mutex
	opened   bool // open was called: this run has begun
	reading  bool // read was called
	finished bool
	closed   bool
	wide     bool // the process has ended: clients take what is left whatever its size
	attached map[*attachment]struct{}
	log      *logfile.Writer
	stdin    *input
	relays   []*relay
}

var newline = []byte{'\n'}

func newHub() *hub {
	h := &hub{running: make(chan struct{}), drained: make(chan struct{}), ended: make(chan struct{}), attached: map[*attachment]struct{}{}}
	h.paced, h.hurry = context.WithCancel(context.Background())
	return h
}

// open opens a process's pipes. Nothing is read before read.
func (h *hub) open(p pipes, logDir string, log *logfile.Writer, stdin *input) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.opened {
		return errors.New("the container's streams are in use")
	}
	h.opened = true
	for stream, path := range p.outputs() {
		r, err := openRelay(path, stream, logDir, log)
		if err != nil {
			return err
		}
		h.relays = append(h.relays, r)
	}
	h.log, h.stdin = log, stdin
	return nil
}

// read begins to copy the output: the shim has opened its ends.
func (h *hub) read() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reading = true
	var copies sync.WaitGroup
	for _, r := range h.relays {
		copies.Go(func() {
			r.run(func(p []byte) {
				h.broadcast(r.stream, p)
				take(h.paced, h.intake, len(p), bytes.Count(p, newline))
			})
		})
	}
	go func() {
		copies.Wait()
		h.finish()
	}()
}

func (h *hub) broadcast(stream string, p []byte) {
	h.mu.Lock()
	to := make([]*attachment, 0, len(h.attached))
	for at := range h.attached {
		to = append(to, at)
	}
	h.mu.Unlock()
	if len(to) == 0 {
		return
	}
	data := append([]byte(nil), p...)
	for _, at := range to {
		at.add(stream, data)
	}
}

// join adds a client, unless there will be no more output.
func (h *hub) join(at *attachment) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.finished {
		return false
	}
	h.attached[at] = struct{}{}
	if h.wide {
		at.widen()
	}
	return true
}

func (h *hub) leave(at *attachment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.attached, at)
}

// finish tells everybody that there is no more output.
func (h *hub) finish() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.finished {
		return
	}
	h.finished = true
	if h.log != nil {
		_ = h.log.Close()
	}
	close(h.drained)
	for at := range h.attached {
		at.finish()
	}
}

// settle waits, at most d, until all that a process that has ended wrote is read. A slow client does not hold that up.
func (h *hub) settle(d time.Duration) {
	h.mu.Lock()
	if !h.reading {
		h.mu.Unlock()
		return
	}
	h.wide = true
	h.hurry()
	for at := range h.attached {
		at.widen()
	}
	h.mu.Unlock()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-h.drained:
	case <-t.C:
	}
}

func (h *hub) isOpened() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.opened
}

// close lets go of the pipes. Whoever copies comes to an end.
func (h *hub) close() {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	h.closed = true
	close(h.ended)
	h.hurry()
	stdin, reading := h.stdin, h.reading
	for _, r := range h.relays {
		r.end(reading)
	}
	h.mu.Unlock()
	if stdin != nil {
		stdin.close()
	}
	if !reading {
		h.finish()
	}
}
