package runtime

import (
	"context"

	"golang.org/x/time/rate"
)

// What hyperd takes of the output of an account's containers, in the long run and after a rest. A byte counts as one and
// a line as lineCost more, which is what the work of logging it is worth. Who writes more waits in its own write.
const (
	lineCost = 100
	atRest   = 4 // seconds' worth
)

// intake is the limit of an account's output; nil if there is none. r.mu is held.
func (r *Runtime) intake(id string) *rate.Limiter {
	if r.LogRate <= 0 {
		return nil
	}
	l := r.intakes[id]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(r.LogRate), int(atRest*r.LogRate))
		r.intakes[id] = l
	}
	return l
}

// take waits until the account may write so much. It ends when the run does.
func take(ctx context.Context, l *rate.Limiter, bytes, lines int) {
	if l == nil {
		return
	}
	for cost := bytes + lineCost*lines; cost > 0; {
		n := min(cost, l.Burst())
		if l.WaitN(ctx, n) != nil {
			return
		}
		cost -= n
	}
}
