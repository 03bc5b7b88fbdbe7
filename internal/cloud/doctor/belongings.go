package doctor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/system"
	"github.com/hypercloud/hyper/internal/engine"
)

// How often processes and records are compared before a difference is believed: one ends a moment before it is known to have.
const (
	looks       = 4
	betweenThem = 150 * time.Millisecond
)

// containers compares what the account's containers do with what the store says.
func (s *Service) containers(ctx context.Context, a account.Ref) (engine.Check, error) {
	out := engine.Check{Name: "containers"}
	var found []string
	for look := range looks {
		now, err := s.untrue(ctx, a)
		if err != nil {
			return out, err
		}
		if look > 0 {
			now = slices.DeleteFunc(now, func(t string) bool { return !slices.Contains(found, t) })
		}
		if found = now; len(found) == 0 || look == looks-1 {
			break
		}
		select {
		case <-ctx.Done():
			return out, ctx.Err()
		case <-time.After(betweenThem):
		}
	}
	for _, t := range found {
		out.Findings = append(out.Findings, engine.Finding{Kind: engine.Problem, Text: t})
	}
	return out, nil
}

// untrue lists where processes are not what the store says of them, both before and after they were looked at.
func (s *Service) untrue(ctx context.Context, a account.Ref) ([]string, error) {
	before := s.Store.View(a)
	tasks, err := s.Engine.Tasks(ctx, a)
	if err != nil {
		return nil, err
	}
	moving, after := s.Containers.Moving(a), s.Store.View(a)
	moving = append(moving, s.Containers.Moving(a)...)
	byID := map[string]engine.Task{}
	for _, t := range tasks {
		byID[t.ContainerID] = t
	}
	var out []string
	for _, c := range after.Containers() {
		was, ok := before.Container(c.ID)
		if !ok || was.State.Status != c.State.Status || was.State.Pid != c.State.Pid || slices.Contains(moving, c.ID) {
			continue
		}
		switch t := byID[c.ID]; {
		case c.State.Status.Live() && !t.Running:
			out = append(out, fmt.Sprintf("container %s runs, says its record, and its process is gone: start hyperd anew, which leaves the others running and records that this one ended", c.Name))
		case !c.State.Status.Live() && t.Running:
			out = append(out, fmt.Sprintf("container %s does not run, says its record, and has a process, %d: start hyperd anew, and it takes it up", c.Name, t.Pid))
		}
	}
	return out, nil
}

// volumes looks for those that met an error.
func (s *Service) volumes(ctx context.Context, a account.Ref) (engine.Check, error) {
	out := engine.Check{Name: "volumes"}
	failed, err := system.Failures(ctx, s.Engine, a, s.Store.View(a))
	for _, t := range failed {
		out.Findings = append(out.Findings, engine.Finding{Kind: engine.Problem, Text: t})
	}
	return out, err
}

var _ Machine = engine.Engine(nil)
