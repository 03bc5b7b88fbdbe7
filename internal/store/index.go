package store

import (
	"iter"
	"maps"
	"sync/atomic"

	"github.com/hypercloud/hyper/internal/account"
)

// index tells which of all accounts has what only one can have. Readers need no lock; it is replaced as a whole by the writer.
type index[K comparable] struct {
	atomic.Pointer[map[K]account.Ref]
}

func (x *index[K]) of(key K) (account.Ref, bool) {
	ref, ok := (*x.Load())[key]
	return ref, ok
}

// publish takes the keys of before from the index and enters those of after for owner.
func (x *index[K]) publish(before, after iter.Seq[K], owner account.Ref) {
	next := maps.Clone(*x.Load())
	for key := range before {
		delete(next, key)
	}
	for key := range after {
		next[key] = owner
	}
	x.Store(&next)
}
