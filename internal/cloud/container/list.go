package container

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/pattern"
	"github.com/hypercloud/hyper/internal/store"
)

// matcher tells whether a container passes one filter value.
type matcher func(s *Service, view *store.View, a account.Ref, c *Container) bool

// List returns the account's containers, newest first.
func (s *Service) List(_ context.Context, a account.Ref, opts ListOptions) ([]*Container, error) {
	view := s.Store.View(a)
	groups, all, err := s.matchers(view, a, opts.Filters)
	if err != nil {
		return nil, err
	}
	all = all || opts.All || opts.Limit > 0
	var out []*Container
	for _, c := range view.Containers() {
		if c.Phase != store.Ready {
			continue
		}
		if !all && !c.State.Status.Live() && c.State.Status != store.StatusRestarting && c.State.Status != store.StatusStarting {
			continue
		}
		if !slices.ContainsFunc(groups, func(g []matcher) bool {
			return !slices.ContainsFunc(g, func(m matcher) bool { return m(s, view, a, c) })
		}) {
			out = append(out, c)
		}
		if opts.Limit > 0 && len(out) == opts.Limit {
			break
		}
	}
	return out, nil
}

// matchers turns filters into groups: a container must pass one of each group. all says that a
// filter speaks of containers that do not run.
func (s *Service) matchers(view *store.View, a account.Ref, filters map[string][]string) (groups [][]matcher, all bool, err error) {
	for key, values := range filters {
		if len(values) == 0 {
			continue
		}
		var group []matcher
		for _, v := range values {
			m, err := s.matcher(view, a, key, v)
			if err != nil {
				return nil, false, err
			}
			switch key {
			case "label": // several labels must all be there
				groups = append(groups, []matcher{m})
			default:
				group = append(group, m)
			}
		}
		if len(group) > 0 {
			groups = append(groups, group)
		}
		if slices.Contains([]string{"status", "exited", "since", "before"}, key) {
			all = true
		}
	}
	return groups, all, nil
}

func (s *Service) matcher(view *store.View, a account.Ref, key, v string) (matcher, error) {
	switch key {
	case "id":
		return func(_ *Service, _ *store.View, _ account.Ref, c *Container) bool { return strings.HasPrefix(c.ID, v) }, nil
	case "name":
		re, err := pattern.Compile(v)
		if err != nil {
			return nil, oops.Invalid("Invalid filter 'name=%s': %v", v, err)
		}
		return func(_ *Service, _ *store.View, _ account.Ref, c *Container) bool {
			return re.MatchString("/"+c.Name) || re.MatchString(c.Name)
		}, nil
	case "label":
		k, want, exact := strings.Cut(v, "=")
		return func(s *Service, _ *store.View, a account.Ref, c *Container) bool {
			got, ok := s.Labels(a, c)[k]
			return ok && (!exact || got == want)
		}, nil
	case "status":
		if !slices.Contains([]string{"created", "restarting", "running", "removing", "paused", "exited", "dead"}, v) {
			return nil, oops.Invalid("Unrecognised filter value for status: %s", v)
		}
		return func(_ *Service, _ *store.View, _ account.Ref, c *Container) bool { return string(c.State.Status) == v }, nil
	case "exited":
		n, err := strconv.Atoi(v)
		if err != nil {
			return nil, oops.Invalid("Invalid filter 'exited=%s': not a number", v)
		}
		return func(_ *Service, _ *store.View, _ account.Ref, c *Container) bool {
			return c.State.Status == store.StatusExited && c.State.ExitCode == n
		}, nil
	case "ancestor":
		img, err := s.Images.Find(a, v)
		return func(_ *Service, _ *store.View, _ account.Ref, c *Container) bool {
			return err == nil && c.ImageID == img.ID
		}, nil
	case "since", "before":
		mark, err := view.FindContainer(v)
		if err != nil {
			return nil, err
		}
		return func(_ *Service, _ *store.View, _ account.Ref, c *Container) bool {
			if key == "since" {
				return c.CreatedAt.After(mark.CreatedAt)
			}
			return c.CreatedAt.Before(mark.CreatedAt)
		}, nil
	case "volume":
		return func(_ *Service, view *store.View, _ account.Ref, c *Container) bool {
			return slices.ContainsFunc(c.Spec.Mounts, func(m store.Mount) bool {
				vol, ok := view.Volume(m.VolumeID)
				return m.Destination == v || ok && vol.Name == v
			})
		}, nil
	case "publish", "expose":
		p, err := parseExposed(v)
		if err != nil {
			return nil, err
		}
		return func(_ *Service, _ *store.View, _ account.Ref, c *Container) bool {
			if key == "expose" {
				return slices.ContainsFunc(c.Spec.Exposed, p.has)
			}
			return slices.ContainsFunc(c.Spec.Published, func(x store.PublishedPort) bool {
				return p.has(store.Port{Number: x.Public, Proto: x.Proto})
			})
		}, nil
	case "health":
		if !slices.Contains([]string{"none", "starting", "healthy", "unhealthy"}, v) {
			return nil, oops.Invalid("Unrecognised filter value for health: %s", v)
		}
		return func(s *Service, _ *store.View, a account.Ref, c *Container) bool {
			h := s.Health(a, c.ID)
			return h == nil && v == "none" || h != nil && h.Status == v
		}, nil
	case "network":
		n, err := network.Find(view, v)
		return func(_ *Service, view *store.View, _ account.Ref, c *Container) bool {
			if err != nil {
				return v == noNetwork && len(c.Endpoints) == 0
			}
			_, on := c.On(network.Key(view, n))
			return on
		}, nil
	case "is-task":
		return func(*Service, *store.View, account.Ref, *Container) bool { return v == "false" || v == "0" }, nil
	case "isolation":
		return func(*Service, *store.View, account.Ref, *Container) bool { return true }, nil
	}
	return nil, oops.Invalid("Invalid filter '%s'", key)
}
