package compose

import (
	"context"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Stop ends the project's containers, those first that depend on others. seconds is their grace; nil: each container's own.
func (s *Service) Stop(ctx context.Context, a account.Ref, project string, named []string, seconds *int, out func(Message)) error {
	if seconds != nil && *seconds < 0 {
		return oops.Invalid("containers cannot be given %d seconds to stop: name 0 or more", *seconds)
	}
	ctx, r, leave, err := s.begin(ctx, a, project, true, out)
	if err != nil {
		return err
	}
	defer leave()
	services, err := r.inhabited(named, func(instance) bool { return true })
	if err != nil {
		return err
	}
	return r.stopServices(ctx, services, seconds)
}

func (r *run) stopServices(ctx context.Context, services []string, seconds *int) error {
	return r.phase("Stopping", "Stopped", func() error {
		return inOrder(r.spec, services, true, func(service string) error {
			r.tellService(service, "Stopping", false)
			current, _ := instances(r.view(), r.project, service)
			for _, c := range current {
				if err := r.stop(ctx, c.Container, seconds); err != nil {
					return err
				}
			}
			r.tellService(service, "Stopped", false)
			return nil
		})
	})
}

// stop ends one container. One that does not run, or is gone, is fine.
func (r *run) stop(ctx context.Context, c *store.Container, seconds *int) error {
	err := r.Containers.Stop(ctx, r.a, c.ID, container.StopOptions{Timeout: seconds})
	if errdefs.IsNotModified(err) || errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

// Kill sends the project's running containers a signal; "" is KILL.
func (s *Service) Kill(ctx context.Context, a account.Ref, project string, named []string, signal string, out func(Message)) error {
	ctx, r, leave, err := s.begin(ctx, a, project, true, out)
	if err != nil {
		return err
	}
	defer leave()
	services, err := r.inhabited(named, func(i instance) bool { return i.State.Status.Live() })
	if err != nil {
		return err
	}
	return r.phase("Killing", "Killed", func() error {
		return inOrder(r.spec, services, true, func(service string) error {
			r.tellService(service, "Killing", false)
			current, _ := instances(r.view(), r.project, service)
			for _, c := range current {
				err := r.Containers.Kill(ctx, r.a, c.ID, signal)
				if err != nil && !errdefs.IsConflict(err) && !errdefs.IsNotFound(err) { // one that has ended meanwhile is fine
					return err
				}
			}
			r.tellService(service, "Killed", false)
			return nil
		})
	})
}
