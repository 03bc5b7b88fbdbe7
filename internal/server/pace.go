package server

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/server/auth"
)

// Pace bounds what one account asks, so that hyperd has time for the others.
type Pace struct {
	// PerSecond is how many calls an account may make in the long run; 0: any number.
	PerSecond float64
	// Burst is how many it may make at once after a rest; 0: ten seconds' worth.
	Burst int
	// AtOnce is how many may be under way, endless ones included; 0: any number.
	AtOnce int
}

// pacer counts by account. What it remembers of an account is small, and there are at most account.MaxSlots.
type pacer struct {
	Pace
	mu        sync.Mutex
	byAccount map[account.Ref]*stride
}

type stride struct {
	limit *rate.Limiter
	under int
}

func newPacer(p Pace) *pacer {
	if p.Burst == 0 {
		p.Burst = max(1, int(10*p.PerSecond))
	}
	return &pacer{Pace: p, byAccount: map[account.Ref]*stride{}}
}

// enter lets one call of an account in, or says when to come again. done must be called when the call has ended.
func (p *pacer) enter(a account.Ref) (done func(), err error) {
	if p.PerSecond <= 0 && p.AtOnce <= 0 {
		return func() {}, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.byAccount[a]
	if s == nil {
		limit := rate.NewLimiter(rate.Inf, 0)
		if p.PerSecond > 0 {
			limit = rate.NewLimiter(rate.Limit(p.PerSecond), p.Burst)
		}
		s = &stride{limit: limit}
		p.byAccount[a] = s
	}
	if p.AtOnce > 0 && s.under >= p.AtOnce {
		return nil, &auth.TooManyError{After: time.Second, Why: "too many calls of your account are under way"}
	}
	if !s.limit.Allow() {
		return nil, &auth.TooManyError{After: time.Duration(float64(time.Second) / p.PerSecond), Why: "your account asks too often"}
	}
	s.under++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		s.under--
	}, nil
}
