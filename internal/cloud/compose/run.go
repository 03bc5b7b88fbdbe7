package compose

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Message is one line of what a command tells while it goes on.
type Message struct {
	Status string
	// A message with a total is progress of a layer that is pulled. It is for terminals only.
	ID             string
	Current, Total int64
}

// run is one command of a project under way.
type run struct {
	*Service
	a       account.Ref
	project string
	spec    store.ProjectSpec
	before  store.ProjectSpec // what was kept until now, for up and create
	known   map[string]bool   // the services of the definition, and those of containers that are there

	orphans bool // services that only containers tell of are meant too

	mu  sync.Mutex // guards up, and keeps messages apart
	up  int
	out func(Message)
}

// begin waits for the project's turn and looks at what there is of it. With need, a project of which there is nothing is an
// error: ErrNotFound. The context that it returns outlives the client; leave must be called.
func (s *Service) begin(ctx context.Context, a account.Ref, typed string, need bool, out func(Message)) (_ context.Context, r *run, leave func(), err error) {
	if err := a.Check(); err != nil {
		return nil, nil, nil, err
	}
	project, err := normalise(typed)
	if err != nil {
		return nil, nil, nil, err
	}
	leave, err = s.take(ctx, a, project)
	if err != nil {
		return nil, nil, nil, err
	}
	r = &run{Service: s, a: a, project: project, known: map[string]bool{}, out: out}
	view := s.Store.View(a)
	row, kept := view.Project(project)
	if kept {
		r.spec = row.Spec
	}
	there := members(view, project)
	if need && !kept && len(there) == 0 {
		leave()
		return nil, nil, nil, oops.NotFound("No such compose project: %s", project)
	}
	for name := range r.spec.Services {
		r.known[name] = true
	}
	for _, c := range there {
		if name := c.Spec.Labels[labelService]; name != "" {
			r.known[name] = true
		}
	}
	return quota.Once(context.WithoutCancel(ctx)), r, leave, nil
}

func (r *run) view() *store.View { return r.Store.View(r.a) }

// total is the number of services, as progress is counted against.
func (r *run) total() int { return max(len(r.spec.Services), 1) }

func (r *run) tell(m Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out(m)
}

// tellProject says where the project as a whole is. Lines end with a blank, as the original's did.
func (r *run) tellProject(what string) {
	r.tell(Message{Status: fmt.Sprintf("Project [%s]: %s ", r.project, what)})
}

// tellService says where a service is; done counts it as up.
func (r *run) tellService(service, what string, done bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if done {
		r.up++
	}
	r.out(Message{Status: fmt.Sprintf("[%d/%d] [%s]: %s ", r.up, r.total(), service, what)})
}

// phase tells of a project's phase around what is done in it: Starting project, Project started.
func (r *run) phase(doing, done string, fn func() error) error {
	r.tellProject(doing + " project")
	if err := fn(); err != nil {
		return err
	}
	r.tellProject("Project " + strings.ToLower(done))
	return nil
}
