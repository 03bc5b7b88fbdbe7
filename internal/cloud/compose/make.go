package compose

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// makeService sees to it that a service has a container, and that those that it has are as described.
func (r *run) makeService(ctx context.Context, service string, o UpOptions) error {
	def := r.spec.Services[service]
	img, err := r.image(ctx, imageOf(r.project, service, def), o.Auths)
	if err != nil {
		return err
	}
	if err := r.makeVolumes(ctx, def); err != nil {
		return err
	}
	current, left := instances(r.view(), r.project, service)
	for _, c := range left {
		if _, err := r.Containers.Remove(ctx, r.a, c.ID, container.RemoveOptions{Force: true}); err != nil && !errdefs.IsNotFound(err) {
			return err
		}
	}
	if len(current) == 0 {
		_, err := r.create(ctx, service, 1, "")
		return err
	}
	for _, c := range current {
		switch {
		case !o.NoRecreate && (o.ForceRecreate || superseded(c.Container) || c.ImageID != img.ID || r.outOfSync(service, c.Container)):
			err = r.recreate(ctx, service, c)
		case superseded(c.Container): // a replacement was begun and is not wanted any more
			err = r.Containers.Rename(ctx, r.a, c.ID, containerName(r.project, service, def, c.number))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// outOfSync reports whether a container is not what its service describes now.
func (r *run) outOfSync(service string, c *store.Container) bool {
	def := r.spec.Services[service]
	switch h := c.Spec.Labels[labelHash]; {
	case ours(h):
		if h != hash(service, def) {
			return true
		}
	default: // made by the original's client, with its own hash: what was kept until now tells whether something has changed
		if old, ok := r.before.Services[service]; ok && hash(service, old) != hash(service, def) {
			return true
		}
	}
	view := r.view()
	for _, l := range def.Links {
		target, alias := splitLink(l)
		there, _ := instances(view, r.project, target)
		if !slices.ContainsFunc(c.Spec.Links, func(have store.Link) bool {
			return have.Alias == alias && slices.ContainsFunc(there, func(i instance) bool { return i.ID == have.Target })
		}) {
			return true
		}
	}
	return false
}

// links are those of a service's containers: to each container of a linked service, by the alias and by the container's own
// name, since both sets of variables are expected (behaviour 12.5).
func (r *run) links(def store.ProjectService) []string {
	var out []string
	view := r.view()
	for _, l := range def.Links {
		target, alias := splitLink(l)
		there, _ := instances(view, r.project, target)
		for _, t := range there {
			out = append(out, t.ID+":"+alias, t.ID+":"+t.Name)
		}
	}
	return out
}

// create makes container number n of a service; replaces is the id of the one whose place it takes, or "".
func (r *run) create(ctx context.Context, service string, n int, replaces string) (id string, err error) {
	def := r.spec.Services[service]
	req, err := request(r.project, service, def, n, r.links(def))
	if err != nil {
		return "", err
	}
	req.Replaces = replaces
	out, err := r.Containers.Create(ctx, r.a, req)
	if err != nil {
		return "", err
	}
	failpoint.Hit("compose.up.after-create")
	return out.ID, nil
}

// recreate puts a new container in the place of one, with its volumes. When the new one cannot be made the old one is as it was.
func (r *run) recreate(ctx context.Context, service string, c instance) error {
	if c.Spec.Protection {
		return oops.Conflict("container %s is protected and cannot be replaced: switch that off by 'hyper update --protection=false %s', or use --no-recreate", c.Name, c.Name)
	}
	// A budget that is spent must not end what runs: it is asked about before the stop.
	if err := quota.Afford(ctx, r.Spending, r.a); err != nil {
		return err
	}
	ran := c.State.Status.Live()
	if err := r.stop(ctx, c.Container, nil); err != nil {
		return err
	}
	name := c.Name
	if superseded(c.Container) {
		name = containerName(r.project, service, r.spec.Services[service], c.number)
	} else if err := r.Containers.Rename(ctx, r.a, c.ID, supersededName(c.Container)); err != nil {
		return err
	}
	failpoint.Hit("compose.recreate.after-rename")
	if _, err := r.create(ctx, service, max(c.number, 1), c.ID); err != nil {
		if rerr := r.Containers.Rename(ctx, r.a, c.ID, name); rerr != nil {
			r.Log.Error("giving a container its name back after it could not be replaced", "container", c.ID, "error", rerr)
		}
		if ran {
			if serr := r.Containers.Start(ctx, r.a, c.ID); serr != nil && !errdefs.IsNotModified(serr) {
				r.Log.Warn("starting a container again that could not be replaced", "container", c.ID, "error", serr)
			}
		}
		return err
	}
	failpoint.Hit("compose.recreate.after-create")
	_, err := r.Containers.Remove(ctx, r.a, c.ID, container.RemoveOptions{Force: true})
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

// makeVolumes makes the declared volumes that a service mounts and that are missing. They are labelled, so that down -v knows them.
func (r *run) makeVolumes(ctx context.Context, def store.ProjectService) error {
	for _, name := range slices.Sorted(maps.Keys(r.spec.Volumes)) {
		v := r.spec.Volumes[name]
		used := slices.ContainsFunc(def.Volumes, func(bind string) bool { return strings.HasPrefix(bind, name+":") })
		if v.External || !used {
			continue
		}
		req := volume.CreateRequest{Name: name, SizeGB: v.SizeGB, Snapshot: v.Snapshot, Labels: map[string]string{labelProject: r.project}}
		if _, err := r.Volumes.Ensure(ctx, r.a, req); err != nil {
			return err
		}
	}
	return nil
}
