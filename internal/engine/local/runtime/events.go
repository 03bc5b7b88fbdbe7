package runtime

import (
	"context"
	"time"

	eventtypes "github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/typeurl/v2"

	"github.com/hypercloud/hyper/internal/engine"
)

// TaskEvents implements engine.Containers. An exit is told of when all that the process wrote is read and, if memory was
// what it died of, after the OOM kill.
func (r *Runtime) TaskEvents(ctx context.Context) (<-chan engine.TaskEvent, error) {
	in, errs := r.Client.EventService().Subscribe(ctx, `topic=="/tasks/exit"`, `topic=="/tasks/oom"`)
	out := make(chan engine.TaskEvent, 256)
	send := func(e engine.TaskEvent) {
		select {
		case out <- e:
		case <-ctx.Done():
		}
	}
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case err := <-errs: // containerd is being stopped
				_ = err
				return
			case env := <-in:
				if env == nil {
					return
				}
				r.taskEvent(env, send)
			}
		}
	}()
	return out, nil
}

func (r *Runtime) taskEvent(env *events.Envelope, send func(engine.TaskEvent)) {
	v, err := typeurl.UnmarshalAny(env.Event)
	if err != nil {
		return
	}
	switch e := v.(type) {
	case *eventtypes.TaskExit:
		if e.GetID() != e.GetContainerID() {
			return // an exec's
		}
		ev := engine.TaskEvent{
			Account: env.Namespace, ContainerID: e.GetContainerID(), Kind: engine.TaskExited, ExitCode: int(e.GetExitStatus()), Time: env.Timestamp,
			Boot: r.endedBoot(key{env.Namespace, e.GetContainerID()}), // now, before it can be another run's
		}
		if e.GetExitedAt() != nil {
			ev.Time = e.GetExitedAt().AsTime()
		}
		go r.exited(ev, send) // others' exits do not wait for this one's output
	case *eventtypes.TaskOOM:
		ev := engine.TaskEvent{Account: env.Namespace, ContainerID: e.GetContainerID(), Kind: engine.TaskOOM, Time: env.Timestamp}
		if r.tellOOM(key{ev.Account, ev.ContainerID}, false) {
			send(ev)
		}
	}
}

func (r *Runtime) exited(ev engine.TaskEvent, send func(engine.TaskEvent)) {
	k := key{ev.Account, ev.ContainerID}
	// The event of an OOM kill may come late, or not at all if the group is gone before it was read.
	if r.oomKills(k) > 0 && r.tellOOM(k, true) {
		send(engine.TaskEvent{Account: ev.Account, ContainerID: ev.ContainerID, Kind: engine.TaskOOM, Time: ev.Time})
	}
	if h := r.present(k); h != nil {
		h.settle(drainTime)
	}
	if ev.Time.IsZero() {
		ev.Time = time.Now()
	}
	send(ev)
}

// tellOOM reports whether an OOM kill is to be told of, and remembers it. At an exit it is if it was not before; after
// one, it never is.
func (r *Runtime) tellOOM(k key, exit bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.live[k]
	if p == nil {
		return exit
	}
	tell := !p.exited && (!exit || !p.oom)
	p.oom = true
	p.exited = p.exited || exit
	return tell
}
