package runtime

import (
	"context"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/logfile"
)

// Attach implements engine.Containers.
func (r *Runtime) Attach(ctx context.Context, a account.Ref, id string, streams engine.Streams, closeStdin bool) error {
	if err := a.Check(); err != nil {
		return err
	}
	k := keyOf(a, id)
	h := r.hub(k)
	at := newAttachment(ctx, streams)
	if !h.join(at) {
		at.finish()
		return nil
	}
	defer func() {
		h.leave(at)
		at.finish()
		r.dropIdle(k, h)
	}()
	if streams.Stdin != nil {
		go h.feed(ctx, streams, closeStdin)
	}
	select {
	case <-at.left: // all is written, or the client is gone
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// feed gives the process a client's input, once it runs.
func (h *hub) feed(ctx context.Context, streams engine.Streams, closeStdin bool) {
	select {
	case <-h.running:
		h.mu.Lock()
		stdin := h.stdin
		h.mu.Unlock()
		stdin.feed(ctx, streams.Stdin, closeStdin)
	case <-h.ended:
	case <-ctx.Done():
	}
}

// Logs implements engine.Containers.
func (r *Runtime) Logs(ctx context.Context, a account.Ref, id string, opts engine.LogOptions, fn func(engine.LogEntry) error) error {
	if err := a.Check(); err != nil {
		return err
	}
	k := keyOf(a, id)
	var w *logfile.Writer
	if h := r.present(k); h != nil {
		h.mu.Lock()
		w = h.log
		h.mu.Unlock()
	}
	return logfile.Read(ctx, r.logDir(k), w, opts, fn)
}
