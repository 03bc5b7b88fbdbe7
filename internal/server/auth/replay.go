package auth

import (
	"crypto/sha256"
	"sync"
	"time"
)

// again is how long a signature may be used again. A signature has no number used once and a date in whole seconds, so a client that asks
// the same twice within a second signs both alike: a script's two identical runs, or a client that polls.
const again = 3 * time.Second

// used remembers the signatures of requests that were let in, for as long as their dates are accepted. It holds them in two
// halves, of which the older is dropped as a whole.
type used struct {
	mu           sync.Mutex
	span         time.Duration
	newer, older map[[sha256.Size]byte]time.Time
	turned       time.Time
}

func newUsed(span time.Duration) *used {
	return &used{span: span, newer: map[[sha256.Size]byte]time.Time{}}
}

// first reports whether a signature may be used: it was not before, or only just.
func (u *used) first(sig [sha256.Size]byte, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now.Sub(u.turned) > u.span {
		u.older, u.newer, u.turned = u.newer, map[[sha256.Size]byte]time.Time{}, now
	}
	at, known := u.newer[sig]
	if !known {
		at, known = u.older[sig]
	}
	if !known {
		u.newer[sig] = now
		return true
	}
	return now.Sub(at) <= again
}
