package runtime

import (
	"context"
	"io"
	"sync"

	"github.com/hypercloud/hyper/internal/engine"
)

// attachmentRoom is how many bytes may wait for a client that reads slowly. When they are that many the container's
// output waits too, until the client reads or goes.
const attachmentRoom = 1 << 20

// attachment is a client that receives a process's output.
type attachment struct {
	streams engine.Streams
	left    chan struct{} // closed when nothing more is written to the client

	mu    sync.Mutex
	moved *sync.Cond // queue, ended, gone or wide has changed
	queue []chunk
	size  int
	ended bool // nothing is added any more
	gone  bool // nobody reads any more
	wide  bool // the process has ended: what comes is little, and is taken whatever the size
}

type chunk struct {
	to   io.Writer
	data []byte
	room *output // that data lie in, to be given back when they are written; may be nil
}

// newAttachment begins to write to a client. It ends when finish is called and all is written, or when ctx is done.
func newAttachment(ctx context.Context, s engine.Streams) *attachment {
	at := &attachment{streams: s, left: make(chan struct{})}
	at.moved = sync.NewCond(&at.mu)
	stop := context.AfterFunc(ctx, func() { at.set(&at.gone) })
	go func() {
		defer close(at.left)
		defer stop()
		at.write()
	}()
	return at
}

func (at *attachment) set(flag *bool) {
	at.mu.Lock()
	*flag = true
	at.mu.Unlock()
	at.moved.Broadcast()
}

func (at *attachment) finish() { at.set(&at.ended) }
func (at *attachment) widen()  { at.set(&at.wide) }

// add gives the client what a stream yielded. data must not change afterwards. It waits while too much is waiting.
func (at *attachment) add(stream string, data []byte) { at.queued(stream, chunk{data: data}) }

// lend is add for n bytes in room that is wanted back. Few bytes are copied: room that waits for a client is to be as good as full, or many small
// pieces would hold much more memory than they have bytes.
func (at *attachment) lend(stream string, b *output, n int) {
	if n > len(b)/2 {
		at.queued(stream, chunk{data: b[:n], room: b})
		return
	}
	if n > 0 {
		at.add(stream, append([]byte(nil), b[:n]...))
	}
	outputs.Put(b)
}

func (at *attachment) queued(stream string, c chunk) {
	to := at.streams.Stdout
	if stream == stderrName {
		to = at.streams.Stderr
	}
	if to == nil {
		return
	}
	at.mu.Lock()
	for at.size >= attachmentRoom && !at.wide && !at.gone && !at.ended {
		at.moved.Wait()
	}
	if !at.gone && !at.ended {
		c.to = to
		at.queue = append(at.queue, c)
		at.size += len(c.data)
	}
	at.mu.Unlock()
	at.moved.Broadcast()
}

func (at *attachment) write() {
	for {
		at.mu.Lock()
		for len(at.queue) == 0 && !at.ended && !at.gone {
			at.moved.Wait()
		}
		if at.gone || len(at.queue) == 0 {
			at.mu.Unlock()
			return
		}
		c := at.queue[0]
		at.queue = at.queue[1:]
		at.mu.Unlock()
		_, err := c.to.Write(c.data) // which keeps nothing of them
		if c.room != nil {
			outputs.Put(c.room)
		}
		at.mu.Lock()
		at.size -= len(c.data)
		at.gone = at.gone || err != nil
		at.mu.Unlock()
		at.moved.Broadcast()
	}
}
