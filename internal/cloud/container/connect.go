package container

import (
	"context"
	"errors"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

const noNetwork = "none"

// place gives a container that is about to be made its places in networks: in the one that its mode names first, which has the
// default route as long as nothing else was asked for.
func (s *Service) place(tx *store.Tx, c *Container, req *CreateRequest) error {
	list := req.Networks
	mode := req.NetworkMode
	if mode == "" || mode == "default" {
		mode = network.OwnName
		if len(list) > 0 {
			mode = list[0].Network
		}
	}
	if mode == noNetwork {
		for _, r := range list {
			if r.Network != noNetwork {
				return oops.Invalid("container cannot be connected to network endpoints: it is to have no network: %s", r.Network)
			}
		}
		c.Spec.NetworkMode = noNetwork
		return nil
	}
	main, err := network.Find(tx.View, mode)
	if err != nil {
		return err
	}
	first := network.EndpointRequest{Network: main.ID}
	var others []network.EndpointRequest
	var said bool // of the first
	for _, r := range list {
		n, err := network.Find(tx.View, r.Network)
		if err != nil {
			return err
		}
		if r.Network = n.ID; n.ID == main.ID && !said {
			first, said = r, true
			continue
		}
		others = append(others, r) // one that is named twice is refused when it is joined again
	}
	if network.Key(tx.View, main) != "" {
		c.Spec.NetworkMode = mode
		first.Links = append(first.Links, req.Links...) // names, as elsewhere in such a network; the variables of old are for the account's own
	} else {
		links := append([]string(nil), req.Links...)
		if c.Spec.Links, err = resolveLinks(tx.View, append(links, first.Links...)); err != nil {
			return err
		}
	}
	for _, r := range append([]network.EndpointRequest{first}, others...) {
		if err := s.Network.Join(tx, c, r); err != nil {
			return err
		}
	}
	return nil
}

// Connect gives a container a place in a further network, at once if it runs. Errors: ErrNotFound for either, ErrPermissionDenied when it
// is there already, and those of the request.
func (s *Service) Connect(ctx context.Context, a account.Ref, ref string, req network.EndpointRequest) error {
	c, e, err := s.lock(a, ref)
	if err != nil {
		return err
	}
	defer e.ops.Unlock()
	ctx = context.WithoutCancel(ctx)
	var joined *store.Network
	before := c.Endpoints
	now, err := s.alter(ctx, a, c.ID, func(tx *store.Tx, c *Container) (err error) {
		if joined, err = network.Find(tx.View, req.Network); err != nil {
			return err
		}
		if c.Spec.NetworkMode == noNetwork {
			return oops.Forbidden("container %s was made with no network, and cannot be connected to one: make it anew", c.Name)
		}
		before = c.Endpoints
		return s.Network.Join(tx, c, req)
	})
	if err != nil {
		return err
	}
	failpoint.Hit("network.connect.after-intent")
	if err := s.reattach(ctx, a, now); err != nil {
		return errors.Join(err, s.rejoined(ctx, a, c.ID, before))
	}
	failpoint.Hit("network.connect.after-engine")
	s.Network.Publish(a, joined, "connect", c.ID)
	return nil
}

// Disconnect takes a container's place in a network from it, at once if it runs. Errors: ErrNotFound for either,
// ErrPermissionDenied when it has none there.
func (s *Service) Disconnect(ctx context.Context, a account.Ref, ref, from string) error {
	c, e, err := s.lock(a, ref)
	if err != nil {
		return err
	}
	defer e.ops.Unlock()
	ctx = context.WithoutCancel(ctx)
	var left *store.Network
	var before []store.Endpoint
	now, err := s.alter(ctx, a, c.ID, func(tx *store.Tx, c *Container) (err error) {
		if left, err = network.Find(tx.View, from); err != nil {
			return err
		}
		before = c.Endpoints
		return network.Leave(tx.View, c, left)
	})
	if err != nil {
		return err
	}
	failpoint.Hit("network.disconnect.after-intent")
	// A container that could not be taken out has to be known as being in, so that the network is not another's meanwhile.
	if err := s.reattach(ctx, a, now); err != nil {
		return errors.Join(err, s.rejoined(ctx, a, c.ID, before))
	}
	failpoint.Hit("network.disconnect.after-engine")
	s.Network.Publish(a, left, "disconnect", c.ID)
	return nil
}

// alter changes a container's row by what else is in the transaction, and returns the new row.
func (s *Service) alter(ctx context.Context, a account.Ref, id string, fn func(tx *store.Tx, c *Container) error) (*Container, error) {
	var out Container
	err := s.Store.Update(ctx, a, func(tx *store.Tx) error {
		c, ok := tx.Container(id)
		if !ok {
			return notFound(id)
		}
		out = *c
		if err := fn(tx, &out); err != nil {
			return err
		}
		return tx.PutContainer(out)
	})
	return &out, err
}

// rejoined gives a container the endpoints back that it had.
func (s *Service) rejoined(ctx context.Context, a account.Ref, id string, before []store.Endpoint) error {
	c, err := s.alter(ctx, a, id, func(_ *store.Tx, c *Container) error {
		c.Endpoints = before
		return nil
	})
	if err != nil {
		return err
	}
	return s.reattach(ctx, a, c)
}

// reattach makes a container's links, and what it finds of them in /etc/hosts, what its row says.
func (s *Service) reattach(ctx context.Context, a account.Ref, c *Container) error {
	if err := s.Network.Apply(ctx, a); err != nil {
		return err
	}
	now, ok := s.Store.View(a).Container(c.ID)
	if !ok || !now.State.Status.Live() {
		return nil
	}
	if _, err := s.files(a, now); err != nil {
		return err
	}
	err := s.Engine.AttachEndpoints(ctx, a, now.ID, now.State.Pid)
	if last, ok := s.Store.View(a).Container(c.ID); err != nil && (!ok || !last.State.Status.Live()) {
		return nil // it ended meanwhile
	}
	return err
}
