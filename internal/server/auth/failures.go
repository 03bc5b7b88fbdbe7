package auth

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Who fails more often than this is not listened to for a while.
const (
	failureBurst = 20
	failureEvery = 3 * time.Second // one more failure is allowed each
	maxSources   = 1 << 16
)

// TooManyError says that a client asks too often, and when it may ask again.
type TooManyError struct {
	After time.Duration
	Why   string
}

func (e *TooManyError) Error() string {
	return fmt.Sprintf("%s: try again in %d s", e.Why, Seconds(e.After))
}

// Seconds is a time to wait in whole seconds, at least 1, as the header Retry-After has it.
func Seconds(d time.Duration) int {
	return max(1, int((d+time.Second-1)/time.Second))
}

// failures counts refused requests by where they come from.
type failures struct {
	mu       sync.Mutex
	bySource map[netip.Prefix]*rate.Limiter
}

func newFailures() *failures { return &failures{bySource: map[netip.Prefix]*rate.Limiter{}} }

// check refuses a source that has failed too often.
func (f *failures) check(from netip.Prefix, now time.Time) error {
	f.mu.Lock()
	l := f.bySource[from]
	f.mu.Unlock()
	if l == nil || l.TokensAt(now) >= 1 {
		return nil
	}
	return &TooManyError{After: failureEvery, Why: "too many requests from your address were refused"}
}

// note counts one refused request.
func (f *failures) note(from netip.Prefix, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.bySource[from]
	if l == nil {
		if len(f.bySource) >= maxSources {
			f.forget(now)
		}
		l = rate.NewLimiter(rate.Every(failureEvery), failureBurst)
		f.bySource[from] = l
	}
	l.AllowN(now, 1)
}

// forget drops the sources that have not failed for a while; all, if there are none such.
func (f *failures) forget(now time.Time) {
	for from, l := range f.bySource {
		if l.TokensAt(now) >= failureBurst {
			delete(f.bySource, from)
		}
	}
	if len(f.bySource) >= maxSources {
		clear(f.bySource)
	}
}

// sourceOf is where a request comes from: an address, or of IPv6 the network that one customer has.
func sourceOf(r *http.Request) netip.Prefix {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits)
	return prefix
}
