package rest

import (
	"net/http"
	"sync"
	"time"
)

// Begin sends the head of a streamed answer at once.
func Begin(w http.ResponseWriter, contentType string) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(http.StatusOK)
	Flush(w)
}

// Flush sends what was written.
func Flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

// Messages sends JSON objects, one a line, each flushed.
type Messages struct {
	w       http.ResponseWriter
	prefix  []byte
	started bool
	kind    string
}

// NewMessages returns a stream whose head goes out with its first message. prefix comes before each object.
func NewMessages(w http.ResponseWriter, contentType, prefix string) *Messages {
	return &Messages{w: w, kind: contentType, prefix: []byte(prefix)}
}

// Started reports whether something was sent: then an error can only be told in the stream.
func (m *Messages) Started() bool { return m.started }

// Start sends the head.
func (m *Messages) Start() {
	if !m.started {
		m.started = true
		Begin(m.w, m.kind)
	}
}

// Send sends one object.
func (m *Messages) Send(v any) error {
	m.Start()
	if len(m.prefix) > 0 {
		if _, err := m.w.Write(m.prefix); err != nil {
			return err
		}
	}
	if err := encoder(m.w).Encode(v); err != nil {
		return err
	}
	Flush(m.w)
	return nil
}

// flushAfter bounds how long written bytes wait for company.
const flushAfter = 10 * time.Millisecond

// LazyFlusher writes an answer's body and flushes it soon, but not for each write.
type LazyFlusher struct {
	mu    sync.Mutex
	w     http.ResponseWriter
	timer *time.Timer
	done  bool
}

// NewLazyFlusher returns a writer of w's body. Close must be called before the handler returns.
func NewLazyFlusher(w http.ResponseWriter) *LazyFlusher { return &LazyFlusher{w: w} }

func (f *LazyFlusher) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.w.Write(p)
	if f.timer == nil && err == nil {
		f.timer = time.AfterFunc(flushAfter, f.flush)
	}
	return n, err
}

func (f *LazyFlusher) flush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.timer = nil
	if !f.done {
		Flush(f.w)
	}
}

// Close flushes the rest.
func (f *LazyFlusher) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done = true
	if f.timer != nil {
		f.timer.Stop()
	}
	Flush(f.w)
}
