package compose

import (
	"context"
	"slices"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Remove removes the project's containers that do not run; with volumes their automatic volumes too. When no container is left the
// project is forgotten.
func (s *Service) Remove(ctx context.Context, a account.Ref, project string, named []string, volumes bool, out func(Message)) error {
	ctx, r, leave, err := s.begin(ctx, a, project, false, out)
	if err != nil {
		return err
	}
	defer leave()
	if len(r.known) == 0 {
		r.tell(Message{Status: "No stopped containers"})
		return nil
	}
	services, err := r.inhabited(named, func(i instance) bool { return removable(i.Container) })
	if err != nil {
		return err
	}
	if len(services) == 0 {
		r.tell(Message{Status: "No stopped containers"})
	} else if err := r.deleteServices(ctx, services, removable, container.RemoveOptions{Volumes: volumes}); err != nil {
		return err
	}
	if slices.ContainsFunc(members(r.view(), r.project), func(c *store.Container) bool { return !oneOff(c) }) {
		return nil
	}
	return r.forget(ctx)
}

func removable(c *store.Container) bool {
	return c.State.Status == store.StatusCreated || c.State.Status == store.StatusExited
}

// deleteServices removes the services' containers that fit, and what interrupted replacements left of them.
func (r *run) deleteServices(ctx context.Context, services []string, fits func(*store.Container) bool, o container.RemoveOptions) error {
	return r.phase("Deleting", "Deleted", func() error {
		return inOrder(r.spec, services, true, func(service string) error {
			r.tellService(service, "Deleting", false)
			current, left := instances(r.view(), r.project, service)
			for _, c := range current {
				left = append(left, c.Container)
			}
			for _, c := range left {
				if !fits(c) {
					continue
				}
				if _, err := r.Containers.Remove(ctx, r.a, c.ID, o); err != nil && !errdefs.IsNotFound(err) {
					return err
				}
			}
			r.tellService(service, "Deleted", false)
			return nil
		})
	})
}

func (r *run) forget(ctx context.Context) error {
	return r.Store.Update(ctx, r.a, func(tx *store.Tx) error { return tx.DeleteProject(r.project) })
}

// DownOptions are the flags of down.
type DownOptions struct {
	Services []string
	Images   string // "", all, or local: those of services that name none
	Volumes  bool   // automatic ones, and those that the project declares and made
	Orphans  bool   // containers of services that the definition does not have
}

// Down stops and removes the project's containers, and forgets it. Floating IPs are detached and stay the account's; volumes stay but
// for the flag.
func (s *Service) Down(ctx context.Context, a account.Ref, project string, o DownOptions, out func(Message)) error {
	if !slices.Contains([]string{"", "all", "local"}, o.Images) {
		return oops.Invalid("rmi with %s is not valid: use all or local", o.Images)
	}
	ctx, r, leave, err := s.begin(ctx, a, project, true, out)
	if err != nil {
		return err
	}
	defer leave()
	r.orphans = o.Orphans
	services, err := r.inhabited(o.Services, func(instance) bool { return true })
	if err != nil {
		return err
	}
	if err := r.stopServices(ctx, services, nil); err != nil {
		return err
	}
	if err := r.removeOneOffs(ctx, o); err != nil {
		return err
	}
	rm := container.RemoveOptions{Force: true, Volumes: o.Volumes}
	if err := r.deleteServices(ctx, services, func(*store.Container) bool { return true }, rm); err != nil {
		return err
	}
	if o.Volumes && len(o.Services) == 0 {
		if err := r.removeVolumes(ctx); err != nil {
			return err
		}
	}
	if err := r.removeImages(ctx, o); err != nil {
		return err
	}
	if len(o.Services) > 0 {
		return nil
	}
	return r.forget(ctx)
}

// dropOrphans takes the services out of sight that only containers tell of. A project that is not kept has no other.
func (r *run) dropOrphans() {
	if len(r.spec.Services) == 0 {
		return
	}
	for name := range r.known {
		if _, ok := r.spec.Services[name]; !ok {
			delete(r.known, name)
		}
	}
}

// removeOneOffs removes what `compose run` left, of the services that go.
func (r *run) removeOneOffs(ctx context.Context, o DownOptions) error {
	for _, c := range members(r.view(), r.project) {
		service := c.Spec.Labels[labelService]
		if !oneOff(c) || len(o.Services) > 0 && !slices.Contains(o.Services, service) || !r.known[service] {
			continue
		}
		if err := r.stop(ctx, c, nil); err != nil {
			return err
		}
		rm := container.RemoveOptions{Force: true, Volumes: o.Volumes}
		if _, err := r.Containers.Remove(ctx, r.a, c.ID, rm); err != nil && !errdefs.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// removeVolumes removes the declared volumes that this project made. One that something else uses stays, and is told of.
func (r *run) removeVolumes(ctx context.Context) error {
	for _, v := range r.view().Volumes() {
		declared, ok := r.spec.Volumes[v.Name]
		if !ok || declared.External || v.Labels[labelProject] != r.project {
			continue
		}
		err := r.Volumes.Remove(ctx, r.a, v.Name, false)
		if errdefs.IsConflict(err) {
			r.tell(Message{Status: "Volume " + v.Name + " stays: " + err.Error()})
			continue
		}
		if err != nil && !errdefs.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// removeImages removes the images of the services that go. One that something else uses stays, and is told of.
func (r *run) removeImages(ctx context.Context, o DownOptions) error {
	if o.Images == "" {
		return nil
	}
	seen := map[string]bool{}
	for service, def := range r.spec.Services {
		ref := imageOf(r.project, service, def)
		if len(o.Services) > 0 && !slices.Contains(o.Services, service) || seen[ref] || o.Images == "local" && def.Image != "" {
			continue
		}
		seen[ref] = true
		_, err := r.Images.Remove(ctx, r.a, ref, false)
		if errdefs.IsConflict(err) {
			r.tell(Message{Status: "Image " + ref + " stays: " + err.Error()})
			continue
		}
		if err != nil && !errdefs.IsNotFound(err) {
			return err
		}
	}
	return nil
}
