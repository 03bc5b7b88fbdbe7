package container

import (
	"context"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Pause freezes a container's processes.
func (s *Service) Pause(ctx context.Context, a account.Ref, ref string) error {
	return s.freeze(ctx, a, ref, store.StatusRunning, store.StatusPaused, "pause", s.Engine.Pause)
}

// Unpause lets a container's processes go on.
func (s *Service) Unpause(ctx context.Context, a account.Ref, ref string) error {
	return s.freeze(ctx, a, ref, store.StatusPaused, store.StatusRunning, "unpause", s.Engine.Unpause)
}

func (s *Service) freeze(ctx context.Context, a account.Ref, ref string, from, to store.Status, verb string,
	act func(context.Context, account.Ref, string) error) error {
	c, e, err := s.lock(a, ref)
	if err != nil {
		return err
	}
	defer e.ops.Unlock()
	if c.State.Status != from {
		return oops.Conflict("container %s is %s: only a %s one can be %sd", c.Name, c.State.Status, from, verb)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := act(ctx, a, c.ID); err != nil {
		return err
	}
	if _, err := s.modify(ctx, a, c.ID, func(c *Container) { c.State.Status = to }); err != nil {
		return err
	}
	s.publish(a, c, verb, nil)
	return nil
}

// Rename gives a container another name. Links to it stay.
func (s *Service) Rename(ctx context.Context, a account.Ref, ref, newName string) error {
	if newName == "" || ref == "" {
		return oops.Invalid("Neither old nor new names may be empty")
	}
	if newName[0] == '/' {
		newName = newName[1:]
	}
	if err := checkName(newName); err != nil {
		return err
	}
	c, e, err := s.lock(a, ref)
	if err != nil {
		return err
	}
	defer e.ops.Unlock()
	if c.Name == newName {
		return oops.Invalid("Renaming a container with the same name as its current name")
	}
	old := c.Name
	c, err = s.modify(ctx, a, c.ID, func(c *Container) { c.Name = newName })
	if err != nil {
		return err
	}
	s.publish(a, c, "rename", map[string]string{"oldName": "/" + old})
	return s.Network.Apply(ctx, a)
}

// UpdateRequest is what may change after creation. Nil fields stay.
type UpdateRequest struct {
	Restart         *store.RestartPolicy
	Protection      *bool
	AddSecGroups    []string
	RemoveSecGroups []string
}

// Update changes a container's restart policy, its protection or its security groups.
func (s *Service) Update(ctx context.Context, a account.Ref, ref string, req UpdateRequest) ([]string, error) {
	c, e, err := s.lock(a, ref)
	if err != nil {
		return nil, err
	}
	defer e.ops.Unlock()
	ctx = context.WithoutCancel(ctx)
	spec, before := c.Spec, c.Spec.SecGroups
	if req.Restart != nil {
		spec.Restart = *req.Restart
	}
	if req.Protection != nil {
		spec.Protection = *req.Protection
	}
	if err := checkRestart(&spec); err != nil {
		return nil, err
	}
	c, err = s.alter(ctx, a, c.ID, func(tx *store.Tx, c *Container) (err error) {
		c.Spec.Restart, c.Spec.Protection = spec.Restart, spec.Protection
		if len(req.AddSecGroups)+len(req.RemoveSecGroups) > 0 {
			c.Spec.SecGroups, err = regroup(tx.View, c, req)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := s.followGroups(ctx, a, c, before); err != nil {
		return nil, err
	}
	s.publish(a, c, "update", nil)
	return nil, nil
}

// Stats reads what a running container uses of the machine; a stopped one uses nothing.
func (s *Service) Stats(ctx context.Context, a account.Ref, ref string) (engine.Stats, error) {
	c, err := s.Get(a, ref)
	if err != nil {
		return engine.Stats{}, err
	}
	if !c.State.Status.Live() {
		return engine.Stats{}, nil
	}
	st, err := s.Engine.Stats(ctx, a, c.ID)
	if err != nil {
		return engine.Stats{}, err
	}
	if n, err := s.Engine.EndpointStats(ctx, a, c.ID); err == nil {
		st.Networks = n
	}
	return st, nil
}

// SizeRw is the number of bytes that a container has written to its root file system.
func (s *Service) SizeRw(ctx context.Context, a account.Ref, id string) (int64, error) {
	c, err := s.Get(a, id)
	if err != nil {
		return 0, err
	}
	return s.Engine.RootfsUsage(ctx, a, c.ID)
}
