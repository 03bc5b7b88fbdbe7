package budget

import (
	"context"
	"sync"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/store"
)

// Containers is what stops containers: container.Service.
type Containers interface {
	Stop(ctx context.Context, a account.Ref, ref string, opts container.StopOptions) error
}

// longestGrace is how many seconds a container has to end by itself, whatever it has asked for.
const longestGrace = 300

// stops are containers that are being stopped.
type stops struct {
	*Service
	sync.WaitGroup

	containers Containers
}

// all stops everything that runs in an account. It does not wait, and begins nothing twice: what could not be stopped is stopped at the next look.
func (st *stops) all(ctx context.Context, a account.Ref, n notice) {
	var found []*store.Container
	for _, c := range st.Store.View(a).Containers() {
		if c.Phase == store.Ready && (c.State.Status.Live() || c.State.Status == store.StatusRestarting) && st.take(c.ID) {
			found = append(found, c)
		}
	}
	if len(found) == 0 {
		return
	}
	st.publish(n, "stop")
	for _, c := range found {
		st.Go(func() {
			defer st.release(c.ID)
			err := st.containers.Stop(ctx, a, c.ID, container.StopOptions{Timeout: grace(c)})
			if err != nil && !errdefs.IsNotModified(err) && !errdefs.IsNotFound(err) {
				st.Log.Error("stopping a container whose account has spent its budget", "account", n.acc.Name, "container", c.ID, "error", err)
				return
			}
			st.Log.Info("a container was stopped, since its account has spent its budget", "account", n.acc.Name, "container", c.ID)
		})
	}
}

// grace is the container's own, within bounds; nil is the usual one.
func grace(c *store.Container) *int {
	if c.Spec.StopTimeout == nil {
		return nil
	}
	n := *c.Spec.StopTimeout
	if n < 0 || n > longestGrace {
		n = longestGrace
	}
	return &n
}

func (st *stops) take(id string) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.stopping[id] {
		return false
	}
	st.stopping[id] = true
	return true
}

func (st *stops) release(id string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	delete(st.stopping, id)
}
