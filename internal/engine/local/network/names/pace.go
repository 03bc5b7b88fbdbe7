package names

import (
	"net/netip"
	"sync"

	"golang.org/x/time/rate"
)

// limits bound what is asked. Where they speak of one, it is one container, whatever addresses it has.
type limits struct {
	questions rate.Limit // of one, a second; more are not heard. By datagram, the router's rules let no more come from one address
	burst     int
	forwards  rate.Limit // of one for names of the world, a second; more are refused
	rush      int        // and at once after a rest
	waiting   int        // of one, forwarded and not answered yet; more are refused
	streams   int        // TCP connections of one; more are closed
	allWaits  int        // of the account
	allStream int        // of the account; more have to wait
	atOnce    int        // datagrams under way, forwarded ones included
}

// usual is far above what programs ask that do not mean harm: a web server that looks its database up for each request has
// two questions for each.
var usual = limits{
	questions: 10_000, burst: 1_000,
	forwards: 100, rush: 500, waiting: 32, streams: 16,
	allWaits: 128, allStream: 128, atOnce: 256,
}

// pace counts by container. What it remembers of one is small, and goes when the container does.
type pace struct {
	limits
	waits chan struct{} // of the account

	mu   sync.Mutex
	byID map[string]*asker
}

// asker is a container that asks. Those that are not known, as one that has just lost its place, are one asker.
type asker struct {
	questions *rate.Limiter
	forwards  *rate.Limiter
	waits     chan struct{}
	streams   chan struct{}
}

func newPace(l limits) *pace {
	return &pace{limits: l, waits: make(chan struct{}, l.allWaits), byID: map[string]*asker{}}
}

// asker finds the one at an address.
func (r *Resolver) asker(from netip.Addr) *asker {
	var id string
	if at := r.table.Load().askers[from]; len(at) > 0 {
		id = at[0].ContainerID
	}
	p := r.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.byID[id]
	if a == nil {
		a = &asker{
			questions: rate.NewLimiter(p.questions, p.burst), forwards: rate.NewLimiter(p.forwards, p.rush),
			waits: make(chan struct{}, p.waiting), streams: make(chan struct{}, p.streams),
		}
		p.byID[id] = a
	}
	return a
}

// forget drops the askers that are not in a table.
func (p *pace) forget(t *table) {
	known := map[string]bool{"": true}
	for _, at := range t.askers {
		known[at[0].ContainerID] = true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.byID {
		if !known[id] {
			delete(p.byID, id)
		}
	}
}

// enter lets a question be forwarded, or not. done must be called when it is answered.
func (r *Resolver) enter(from netip.Addr) (done func(), ok bool) {
	a := r.asker(from)
	if !take(a.waits) {
		return nil, false
	}
	if !take(r.pace.waits) {
		<-a.waits
		return nil, false
	}
	if !a.forwards.Allow() {
		<-r.pace.waits
		<-a.waits
		return nil, false
	}
	return func() { <-r.pace.waits; <-a.waits }, true
}

// take takes one of the places, if one is free.
func take(places chan struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	default:
		return false
	}
}
