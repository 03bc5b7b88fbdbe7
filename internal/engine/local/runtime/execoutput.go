package runtime

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/hypercloud/hyper/internal/engine"
)

// execOutput copies an exec's output to its client.
type execOutput struct {
	client *attachment
	files  []*os.File
	copies sync.WaitGroup
}

func newExecOutput(ctx context.Context, s engine.Streams, p pipes) (*execOutput, error) {
	o := &execOutput{client: newAttachment(ctx, s)}
	for _, path := range []string{p.stdout, p.stderr} {
		if path == "" {
			continue
		}
		f, err := openOutput(path)
		if err != nil {
			o.close()
			return nil, fmt.Errorf("opening the exec's streams: %w", err)
		}
		o.files = append(o.files, f)
	}
	return o, nil
}

// output is room for a piece of output on its way from a pipe to a client.
type output [64 << 10]byte

var outputs = sync.Pool{New: func() any { return new(output) }}

// read begins to copy: the shim has opened its ends.
func (o *execOutput) read() {
	for i, f := range o.files {
		stream := []string{stdoutName, stderrName}[i]
		o.copies.Go(func() {
			for {
				b := outputs.Get().(*output)
				n, err := f.Read(b[:])
				o.client.lend(stream, b, n)
				if err != nil {
					return
				}
			}
		})
	}
}

// settle waits until the client has all that a process that has ended wrote. A child of it may hold the pipes open: that
// is not waited for long.
func (o *execOutput) settle(ctx context.Context) {
	o.client.widen()
	read := make(chan struct{})
	go func() {
		o.copies.Wait()
		close(read)
	}()
	t := time.NewTimer(drainTime)
	defer t.Stop()
	select {
	case <-read:
	case <-t.C:
	}
	o.client.finish()
	select {
	case <-o.client.left:
	case <-ctx.Done():
	}
}

func (o *execOutput) close() {
	o.client.finish()
	for _, f := range o.files {
		_ = f.Close()
	}
}
