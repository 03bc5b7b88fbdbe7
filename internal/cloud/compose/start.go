package compose

import (
	"context"
	"slices"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Start runs the containers that the project has and that do not run.
func (s *Service) Start(ctx context.Context, a account.Ref, project string, named []string, out func(Message)) error {
	ctx, r, leave, err := s.begin(ctx, a, project, true, out)
	if err != nil {
		return err
	}
	defer leave()
	services, err := r.inhabited(named, func(instance) bool { return true })
	if err != nil {
		return err
	}
	if len(services) == 0 {
		return oops.Conflict("project %s has no containers to start: make them by 'hyper compose up'", r.project)
	}
	return r.phase("Starting", "Started", func() error {
		return inOrder(r.spec, services, false, func(service string) error {
			r.tellService(service, "Starting", false)
			if err := r.startService(ctx, service); err != nil {
				return err
			}
			r.tellService(service, "Started", false)
			return nil
		})
	})
}

// inhabited are those of the services that have a container that fits; with no names all of the definition's, and orphans if they are
// wanted.
func (r *run) inhabited(named []string, fits func(instance) bool) ([]string, error) {
	if len(named) == 0 && !r.orphans {
		r.dropOrphans()
	}
	services, err := chosen(r.known, named)
	if err != nil {
		return nil, err
	}
	view := r.view()
	return slices.DeleteFunc(services, func(service string) bool {
		current, _ := instances(view, r.project, service)
		return !slices.ContainsFunc(current, fits)
	}), nil
}

// startService runs a service's containers, and gives the first its floating IP.
func (r *run) startService(ctx context.Context, service string) error {
	current, _ := instances(r.view(), r.project, service)
	for i, c := range current {
		if c.State.Status != store.StatusRunning && c.State.Status != store.StatusPaused {
			if err := r.Containers.Start(ctx, r.a, c.ID); err != nil && !errdefs.IsNotModified(err) {
				return err
			}
		}
		if i > 0 {
			continue
		}
		if err := r.attachFIP(ctx, service, c.Container); err != nil {
			return err
		}
	}
	return nil
}
