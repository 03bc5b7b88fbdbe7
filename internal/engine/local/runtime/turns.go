package runtime

import (
	"context"
	"runtime"

	"golang.org/x/sync/semaphore"
)

// atOnce is how many processes of one account are made or cleared away at a time. The kernel lets one process after the other into its
// control groups, whoever's it is, and each waits for all that came before: who has many made at once must not be all of those.
var atOnce = int64(max(2, runtime.NumCPU()))

// turn waits until it is the account's turn to have a process made or cleared away; done is to be called when it is.
func (r *Runtime) turn(account string) (done func()) {
	r.mu.Lock()
	s := r.turns[account]
	if s == nil {
		s = semaphore.NewWeighted(atOnce)
		r.turns[account] = s
	}
	r.mu.Unlock()
	_ = s.Acquire(context.Background(), 1)
	return func() { s.Release(1) }
}
