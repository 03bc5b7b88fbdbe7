package runtime

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/fifo"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/logfile"
)

// pipeSize lets a container write on for a while when nobody reads.
const pipeSize = 1 << 20

// hub carries one container's streams between its pipes, its log and whoever is attached.
type hub struct {
	mu       sync.Mutex
	attached map[*attachment]struct{}
	log      *logfile.Writer
	stdin    io.WriteCloser
	stdinUp  chan struct{} // closed when stdin may be written to
	started  bool
	copies   sync.WaitGroup
	drained  chan struct{} // closed when the pipes have ended
	cancel   context.CancelFunc
	closed   bool
	closedCh chan struct{}
	terminal bool
}

type attachment struct {
	engine.Streams
	gone context.Context
}

func (r *Runtime) ioDir(account, id string) string { return filepath.Join(r.RunDir, "io", account, id) }

func (r *Runtime) logDir(account, id string) string {
	return filepath.Join(r.DataRoot, "logs", account, id)
}

func (r *Runtime) hub(id string) *hub {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.hubs[id]
	if h == nil {
		h = &hub{attached: map[*attachment]struct{}{}, stdinUp: make(chan struct{}), drained: make(chan struct{}), closedCh: make(chan struct{})}
		r.hubs[id] = h
	}
	return h
}

// closeHub ends a run's streams: attachments return, and the next start gets a hub of its own.
func (r *Runtime) closeHub(id string) {
	r.mu.Lock()
	h := r.hubs[id]
	if h != nil && h.started {
		delete(r.hubs, id)
	} else {
		h = nil
	}
	r.mu.Unlock()
	if h != nil {
		h.close()
	}
}

// dropHub ends a hub even if nothing was started on it.
func (r *Runtime) dropHub(id string) {
	r.mu.Lock()
	h := r.hubs[id]
	delete(r.hubs, id)
	r.mu.Unlock()
	if h != nil {
		h.close()
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	close(h.closedCh)
	if h.cancel != nil {
		h.cancel()
	}
	if h.log != nil {
		_ = h.log.Close()
	}
	if h.stdin != nil {
		_ = h.stdin.Close()
	}
}

// drain waits until a run's output has all been read, at most d.
func (r *Runtime) drain(id string, d time.Duration) {
	r.mu.Lock()
	h := r.hubs[id]
	r.mu.Unlock()
	if h == nil || !h.started {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-h.drained:
	case <-t.C:
	}
}

// pipes makes (or finds) the named pipes of a process and says their paths.
func pipes(dir string, stdin, terminal bool, names ...string) (cio.Config, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return cio.Config{}, err
	}
	cfg := cio.Config{Terminal: terminal}
	add := func(name string) (string, error) {
		p := filepath.Join(dir, name)
		if err := syscall.Mkfifo(p, 0o600); err != nil && !os.IsExist(err) {
			return "", err
		}
		return p, nil
	}
	var err error
	if stdin {
		if cfg.Stdin, err = add(names[0]); err != nil {
			return cfg, err
		}
	}
	if cfg.Stdout, err = add(names[1]); err != nil {
		return cfg, err
	}
	if !terminal {
		cfg.Stderr, err = add(names[2])
	}
	return cfg, err
}

// open connects the hub to the pipes and begins to copy.
func (h *hub) open(cfg cio.Config, log *logfile.Writer) error {
	ctx, cancel := context.WithCancel(context.Background())
	h.mu.Lock()
	h.log, h.cancel, h.started, h.terminal = log, cancel, true, cfg.Terminal
	h.mu.Unlock()
	for _, s := range []struct{ stream, path string }{{"stdout", cfg.Stdout}, {"stderr", cfg.Stderr}} {
		if s.path == "" {
			continue
		}
		f, err := fifo.OpenFifo(ctx, s.path, syscall.O_RDONLY|syscall.O_NONBLOCK, 0o600)
		if err != nil {
			cancel()
			return err
		}
		widen(s.path)
		h.copies.Go(func() {
			defer f.Close()
			logfile.Copy(log, s.stream, f, func(p []byte) { h.broadcast(s.stream, p) })
		})
	}
	if cfg.Stdin != "" {
		f, err := fifo.OpenFifo(ctx, cfg.Stdin, syscall.O_WRONLY|syscall.O_NONBLOCK, 0o600)
		if err != nil {
			cancel()
			return err
		}
		h.mu.Lock()
		h.stdin = f
		h.mu.Unlock()
	}
	close(h.stdinUp)
	go func() { h.copies.Wait(); close(h.drained) }()
	return nil
}

// widen enlarges a pipe's buffer, as far as the machine allows.
func widen(path string) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, pipeSize)
	_ = unix.Close(fd)
}

func (h *hub) broadcast(stream string, p []byte) {
	h.mu.Lock()
	var to []*attachment
	for a := range h.attached {
		to = append(to, a)
	}
	h.mu.Unlock()
	for _, a := range to {
		w := a.Stdout
		if stream == "stderr" {
			w = a.Stderr
		}
		if w == nil || a.gone.Err() != nil {
			continue
		}
		if _, err := w.Write(p); err != nil {
			h.mu.Lock()
			delete(h.attached, a)
			h.mu.Unlock()
		}
	}
}

// Attach implements engine.Containers.
func (r *Runtime) Attach(ctx context.Context, a account.Ref, id string, streams engine.Streams, closeStdin bool) error {
	if err := a.Check(); err != nil {
		return err
	}
	h := r.hub(id)
	at := &attachment{Streams: streams, gone: ctx}
	h.mu.Lock()
	h.attached[at] = struct{}{}
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.attached, at)
		h.mu.Unlock()
	}()
	if streams.Stdin != nil {
		go func() {
			select {
			case <-h.stdinUp:
			case <-h.closedCh:
				return
			case <-ctx.Done():
				return
			}
			h.mu.Lock()
			in := h.stdin
			h.mu.Unlock()
			if in == nil {
				return
			}
			_, _ = io.Copy(in, streams.Stdin)
			if closeStdin && ctx.Err() == nil {
				_ = in.Close()
				r.closeStdin(ctx, a, id)
			}
		}()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-h.drained:
		return nil
	case <-h.closedCh:
		return nil
	}
}

// Logs implements engine.Containers.
func (r *Runtime) Logs(ctx context.Context, a account.Ref, id string, opts engine.LogOptions, fn func(engine.LogEntry) error) error {
	if err := a.Check(); err != nil {
		return err
	}
	r.mu.Lock()
	h := r.hubs[id]
	r.mu.Unlock()
	var w *logfile.Writer
	if h != nil {
		h.mu.Lock()
		w = h.log
		h.mu.Unlock()
	}
	return logfile.Read(ctx, r.logDir(a.ID(), id), w, opts, fn)
}
