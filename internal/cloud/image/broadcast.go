package image

import (
	"context"
	"sync"
)

// pull is a pull under way: what it has told so far, and how it ended. Everybody who follows it sees all of
// it from the beginning, at a pace of their own.
type pull struct {
	mu      sync.Mutex
	lines   []Message
	ended   bool
	err     error
	changed chan struct{} // closed at the next line or the end
}

func newPull() *pull { return &pull{changed: make(chan struct{})} }

func (p *pull) emit(m Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, m)
	p.wake()
}

func (p *pull) finish(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended, p.err = true, err
	p.wake()
}

func (p *pull) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// follow hands every line to out until the pull or ctx ends.
func (p *pull) follow(ctx context.Context, out func(Message)) error {
	for seen := 0; ; {
		p.mu.Lock()
		lines, ended, err, changed := p.lines[seen:], p.ended, p.err, p.changed
		p.mu.Unlock()
		for _, m := range lines {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			out(m)
		}
		seen += len(lines)
		if ended {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
