package images

import (
	"sync"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/hypercloud/hyper/internal/engine"
)

// pace is how often the bytes of one layer are told.
const pace = 100 * time.Millisecond

// reporter tells how a pull comes along, from one goroutine at a time.
type reporter struct {
	mu   sync.Mutex
	to   func(engine.PullProgress)
	last map[digest.Digest]time.Time
}

func newReporter(to func(engine.PullProgress)) *reporter {
	if to == nil {
		to = func(engine.PullProgress) {}
	}
	return &reporter{to: to, last: map[digest.Digest]time.Time{}}
}

// status tells that a layer has come to a state.
func (r *reporter) status(layer digest.Digest, st engine.PullStatus, current, total int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last[layer] = time.Now()
	r.to(engine.PullProgress{Layer: short(layer), Status: st, Current: current, Total: total})
}

// bytes tells how far a layer is in its state, now and then.
func (r *reporter) bytes(layer digest.Digest, st engine.PullStatus, current, total int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); current >= total || now.Sub(r.last[layer]) >= pace {
		r.last[layer] = now
		r.to(engine.PullProgress{Layer: short(layer), Status: st, Current: current, Total: total})
	}
}

func short(d digest.Digest) string {
	hex := d.Encoded()
	return hex[:min(12, len(hex))]
}
