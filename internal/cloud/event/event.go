// Package event tells whoever listens what happens to an account's things.
//
// An event is published after the fact is in the store. Nothing is kept on disk: a listener
// sees what happens while it listens, and the newest 256 events of its account from before.
package event

import (
	"sync"
	"time"

	"github.com/hypercloud/hyper/internal/account"
)

// Event is one thing that happened.
type Event struct {
	Type       string            // container, image, volume, network, fip
	Action     string            // create, start, die, destroy, ...: Docker's words
	ID         string            // of the actor: container id, image name, volume name, address
	Attributes map[string]string // name, image, exitCode, signal, labels...
	Time       time.Time
}

// keep is how many past events of an account a new listener can be shown.
const keep = 256

// Bus carries events from publishers to listeners. The zero Bus is not usable; see NewBus.
type Bus struct {
	mu   sync.Mutex
	subs map[string]map[*subscription]struct{}
	past map[string][]Event
}

type subscription struct {
	ch chan Event
}

// NewBus returns an empty bus.
func NewBus() *Bus {
	return &Bus{subs: map[string]map[*subscription]struct{}{}, past: map[string][]Event{}}
}

// Publish hands e to the listeners of account a. It never blocks: a listener that is more
// than its buffer behind loses its channel (closed), so that it knows.
func (b *Bus) Publish(a account.Ref, e Event) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.fit()
	b.mu.Lock()
	defer b.mu.Unlock()
	past := append(b.past[a.ID()], e)
	if len(past) > keep {
		past = append([]Event(nil), past[len(past)-keep:]...)
	}
	b.past[a.ID()] = past
	for s := range b.subs[a.ID()] {
		select {
		case s.ch <- e:
		default:
			close(s.ch)
			delete(b.subs[a.ID()], s)
		}
	}
}

// Subscribe returns what happened in account a at or after since (zero: nothing of the past), and a channel
// of what happens from now on. cancel must be called once.
func (b *Bus) Subscribe(a account.Ref, since time.Time) (past []Event, events <-chan Event, cancel func()) {
	s := &subscription{ch: make(chan Event, 1024)}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.subs[a.ID()] == nil {
		b.subs[a.ID()] = map[*subscription]struct{}{}
	}
	b.subs[a.ID()][s] = struct{}{}
	if !since.IsZero() {
		for _, e := range b.past[a.ID()] {
			if !e.Time.Before(since) {
				past = append(past, e)
			}
		}
	}
	return past, s.ch, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subs[a.ID()], s)
	}
}
