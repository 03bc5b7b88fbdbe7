package container

import (
	"context"
	"slices"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// maxGroups is how many security groups a container may carry.
const maxGroups = 16

// checkGroups refuses groups that are not there, and too many. Called in the transaction that writes who carries them, it keeps one that
// is being removed from being carried.
func checkGroups(v *store.View, names []string) error {
	if len(names) > maxGroups {
		return oops.Invalid("a container can carry %d security groups, not %d: put rules of several into one", maxGroups, len(names))
	}
	for _, name := range names {
		if _, err := v.FindSecurityGroup(name); err != nil {
			return err
		}
	}
	return nil
}

// regroup is what a container carries after an update of it. Errors: ErrNotFound, ErrInvalidArgument.
func regroup(v *store.View, c *Container, req UpdateRequest) ([]string, error) {
	groups := slices.Clone(c.Spec.SecGroups)
	for _, name := range req.RemoveSecGroups {
		if _, err := v.FindSecurityGroup(name); err != nil {
			return nil, err
		}
		if slices.Contains(req.AddSecGroups, name) {
			return nil, oops.Invalid("security group %s cannot be both added to container %s and taken from it", name, c.Name)
		}
		if !slices.Contains(groups, name) {
			return nil, oops.NotFound("container %s does not carry the security group %s", c.Name, name)
		}
		groups = slices.DeleteFunc(groups, func(g string) bool { return g == name })
	}
	groups = append(groups, req.AddSecGroups...)
	slices.Sort(groups)
	groups = slices.Compact(groups)
	if len(groups) == 0 {
		groups = nil
	}
	return groups, checkGroups(v, groups)
}

// followGroups brings a change of a container's groups to the network, at once if it runs; one that does not is looked at when it starts.
// What the network does not follow is put back.
func (s *Service) followGroups(ctx context.Context, a account.Ref, c *Container, before []string) error {
	if slices.Equal(before, c.Spec.SecGroups) {
		return nil
	}
	failpoint.Hit("container.regroup.after-intent")
	if st := c.State.Status; st == store.StatusCreated || st == store.StatusExited {
		return nil
	}
	cause := s.Network.Apply(ctx, a)
	if cause == nil {
		return nil
	}
	if _, err := s.modify(ctx, a, c.ID, func(now *Container) {
		if slices.Equal(now.Spec.SecGroups, c.Spec.SecGroups) {
			now.Spec.SecGroups = before
		}
	}); err != nil {
		s.Log.Error("putting a container's security groups back after the network failed", "container", c.ID, "error", err)
	}
	if err := s.Network.Apply(ctx, a); err != nil {
		s.Log.Warn("applying the network once more", "container", c.ID, "error", err)
	}
	return cause
}
