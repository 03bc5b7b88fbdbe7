package volume

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// maxJobs is how many calls of an account may be filling volumes at a time, uploads that are not finished included.
const maxJobs = 16

var (
	errTooLong = oops.Invalid("filling the volume takes too long")
	errRemoved = oops.Conflict("the volume is being removed")
)

// item is a volume that is being filled.
type item struct {
	id     string
	name   string
	size   int64
	source source
	filled engine.Filled

	// Of an upload; guarded by job.mu.
	begun bool
	over  bool
	err   error
}

// job is the filling of the volumes of one call. It lasts until they are free again.
type job struct {
	a      account.Ref
	ctx    context.Context //nolint:containedctx // it outlives the call that began it, until the files are sent
	cancel context.CancelCauseFunc
	free   func()
	items  []*item
	done   chan struct{} // closed at the end

	// Of an upload session.
	session, cookie string
	mu              sync.Mutex
	closing         bool
	uploads         sync.WaitGroup
}

func newJob(ctx context.Context, a account.Ref, most time.Duration) *job {
	ctx, free := context.WithTimeoutCause(context.WithoutCancel(ctx), most, errTooLong)
	ctx, cancel := context.WithCancelCause(ctx)
	return &job{a: a, ctx: ctx, cancel: cancel, free: free, done: make(chan struct{})}
}

// split tells the volumes that are filled from addresses from those whose files the client sends.
func (j *job) split() (remote, sent []*item) {
	for _, it := range j.items {
		if it.source.kind == local {
			sent = append(sent, it)
		} else {
			remote = append(remote, it)
		}
	}
	return remote, sent
}

// fills are the jobs that there are.
type fills struct {
	mu        sync.Mutex
	byVolume  map[string]*job
	bySession map[string]*job
	count     map[account.Ref]int
}

func newFills() *fills {
	return &fills{byVolume: map[string]*job{}, bySession: map[string]*job{}, count: map[account.Ref]int{}}
}

func (f *fills) begin(j *job) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count[j.a] >= maxJobs {
		return oops.Unavailable("%d calls of the account are filling volumes: wait until one is done", maxJobs)
	}
	f.count[j.a]++
	for _, it := range j.items {
		f.byVolume[it.id] = j
	}
	return nil
}

// end lets the volumes of a job go, if it had begun. It may be called again.
func (f *fills) end(j *job) {
	f.mu.Lock()
	defer f.mu.Unlock()
	begun := false
	for id, other := range f.byVolume {
		if other == j {
			delete(f.byVolume, id)
			begun = true
		}
	}
	if begun {
		if f.count[j.a]--; f.count[j.a] == 0 {
			delete(f.count, j.a)
		}
		close(j.done)
	}
	if j.session != "" {
		delete(f.bySession, j.session)
	}
	j.free()
}

// stop ends what fills a volume, and returns when the volume is free.
func (f *fills) stop(volume string) {
	f.mu.Lock()
	j := f.byVolume[volume]
	f.mu.Unlock()
	if j == nil {
		return
	}
	j.cancel(errRemoved)
	<-j.done
}

// has reports whether something fills the volume.
func (f *fills) has(volume string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.byVolume[volume] != nil
}

// open makes a job an upload session for some of its volumes; the others are free. lapse is called when the time is over, or something else ends it,
// before the session is closed.
func (f *fills) open(j *job, sent []*item, lapse func()) Upload {
	j.items, j.session, j.cookie = sent, randomHex()[:32], randomHex()
	out := Upload{Session: j.session, Cookie: j.cookie}
	for _, it := range j.items {
		out.Volumes = append(out.Volumes, it.name)
	}
	f.mu.Lock()
	f.bySession[j.session] = j
	maps.DeleteFunc(f.byVolume, func(id string, other *job) bool {
		return other == j && !slices.ContainsFunc(sent, func(it *item) bool { return it.id == id })
	})
	f.mu.Unlock()
	context.AfterFunc(j.ctx, func() {
		if j.close() {
			j.uploads.Wait()
			lapse()
		}
	})
	return out
}

// find finds a session.
func (f *fills) find(session string) *job {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.bySession[session]
}

// close keeps further uploads out, and reports whether it was this call that did.
func (j *job) close() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	first := !j.closing
	j.closing = true
	return first
}
