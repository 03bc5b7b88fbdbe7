package main

import (
	"context"
	"path/filepath"
	"sync"
	"time"

	eventtypes "github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/containerd/v2/pkg/shim"

	"github.com/hypercloud/hyper/internal/boottime"
)

// The notes of when a container's first process began and ended, beside its pipes, where hyperd reads and removes them.
const (
	startedNote = "started"
	endedNote   = "ended"
)

// timekeeper notes when containers' first processes began and ended, by the machine's time since boot. The times that containerd tells are of
// a clock that may be set meanwhile. It stands before the publisher of the shim's events, so that no end is told of before it is noted.
//
// An end is the moment at which the shim went to look which processes have ended, as the kernel had told it to. Should that not have come here
// when somebody is about to hear of the end, by the event or because they ask, it is that moment. The first is later than the end itself
// by what it takes to wake the shim; the second besides by what it takes to get from one part of it to another.
type timekeeper struct {
	shim.Publisher

	mu   sync.Mutex
	runs map[string]*run // by container
}

// run is the life of a container's first process.
type run struct {
	pid   int
	dir   string        // where the notes go; "" if the process has no pipes
	begun time.Duration // 0: it was not told to start
	ended bool
}

func newTimekeeper(p shim.Publisher) *timekeeper {
	return &timekeeper{Publisher: p, runs: map[string]*run{}}
}

// made tells of a process that waits for its start.
func (t *timekeeper) made(id string, pid int, stdout string) {
	r := &run{pid: pid}
	if filepath.IsAbs(stdout) {
		r.dir = filepath.Dir(stdout)
	}
	t.mu.Lock()
	t.runs[id] = r
	t.mu.Unlock()
}

// start calls f, which starts a process, and notes the start if that succeeds. The moment is the one before: when f returns the process
// has run for as long as runc takes to end, some milliseconds, and may be over.
func (t *timekeeper) start(id string, f func() error) error {
	at := boottime.Now()
	t.mu.Lock()
	r := t.runs[id]
	if r != nil {
		r.begun = at
	}
	t.mu.Unlock()
	if err := f(); err != nil {
		return err
	}
	if r != nil {
		r.note(startedNote, at)
	}
	return nil
}

// exited tells that the child pid was found to have ended, by the look that was taken at that time. Most are no container's first process.
func (t *timekeeper) exited(pid int, at time.Time) {
	end := boottime.Now() - time.Since(at)
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.runs {
		if r.pid == pid {
			r.end(end)
		}
	}
}

// Publish sends an event.
func (t *timekeeper) Publish(ctx context.Context, topic string, event events.Event) error {
	if e, ok := event.(*eventtypes.TaskExit); ok && e.GetID() == e.GetContainerID() {
		t.stopped(e.GetContainerID())
	}
	return t.Publisher.Publish(ctx, topic, event)
}

// stopped tells that a container's first process has ended, if exited did not.
func (t *timekeeper) stopped(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.runs[id]; r != nil {
		r.end(boottime.Now())
	}
}

// forget drops what is remembered of a container.
func (t *timekeeper) forget(id string) {
	t.mu.Lock()
	delete(t.runs, id)
	t.mu.Unlock()
}

// end notes the end, which is told of more than once. The timekeeper's lock is held.
func (r *run) end(at time.Duration) {
	if r.ended {
		return
	}
	r.ended = true
	r.note(endedNote, max(at, r.begun))
}

// note writes a note. Without, hyperd takes the time at which it hears: that is no reason to stop a container.
func (r *run) note(name string, at time.Duration) {
	if r.dir != "" {
		_ = boottime.Note(filepath.Join(r.dir, name), at)
	}
}
