package fip

import (
	"context"
	"net/netip"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Attach makes a container reachable at an address, on the ports that it publishes. Errors: ErrNotFound for
// either, ErrConflict when the container does not run or has an address, or the address is attached.
func (s *Service) Attach(ctx context.Context, a account.Ref, fip, container string) error {
	return s.attach(ctx, a, fip, container, false)
}

// Move is Attach for an address that another container may have: it is taken from there in the same step, or stays where it is.
func (s *Service) Move(ctx context.Context, a account.Ref, fip, container string) error {
	return s.attach(ctx, a, fip, container, true)
}

func (s *Service) attach(ctx context.Context, a account.Ref, fip, container string, force bool) error {
	ctx = context.WithoutCancel(ctx)
	var addr netip.Addr
	var id, before string
	err := s.Store.Update(ctx, a, func(tx *store.Tx) error {
		f, c, err := s.attachable(tx.View, fip, container, force)
		if err != nil {
			return err
		}
		addr, id, before = f.Address, c.ID, f.Container
		row := *f
		row.Container = c.ID
		return tx.PutFloatingIP(row)
	})
	if err != nil || id == before {
		return err
	}
	failpoint.Hit("fip.attach.after-intent")
	if err := s.Network.Apply(ctx, a); err != nil {
		s.putBack(ctx, a, addr, id, before)
		return err
	}
	failpoint.Hit("fip.attach.after-apply")
	if before != "" {
		s.publish(a, "detach", addr, before)
	}
	s.publish(a, "attach", addr, id)
	return nil
}

// attachable finds both, if the one can be attached to the other.
func (s *Service) attachable(v *store.View, fip, container string, force bool) (*store.FloatingIP, *store.Container, error) {
	f, err := find(v, fip)
	if err != nil {
		return nil, nil, err
	}
	c, err := findContainer(v, container)
	if err != nil {
		return nil, nil, err
	}
	if f.Container != "" && !force {
		return nil, nil, inUse(v, f)
	}
	if f.Container == c.ID {
		return f, c, nil
	}
	if !c.State.Status.Live() {
		return nil, nil, oops.Conflict("container %s is not running: start it, and attach floating IP %s then", c.Name, f.Address)
	}
	if have := attached(v, c.ID); len(have) >= s.MaxPerContainer {
		return nil, nil, oops.Conflict("container %s has the floating IP %s already: detach it first by 'hyper fip detach %s'", c.Name, have[0].Address, c.Name)
	}
	if err := Leads(v, c); err != nil {
		return nil, nil, err
	}
	return f, c, nil
}

// Leads refuses a container that no floating IP can lead to.
func Leads(v *store.View, c *store.Container) error {
	if _, ok := network.Outward(v, c); !ok {
		return oops.Conflict("container %s is in internal networks only, or in none: no floating IP can lead there", c.Name)
	}
	return nil
}

// inUse refuses an address that a container has.
func inUse(v *store.View, f *store.FloatingIP) error {
	holder := containerName(v, f.Container)
	return oops.Conflict("floating IP %s is in use by container %s: detach it first by 'hyper fip detach %s'", f.Address, holder, holder)
}

// Detach takes a container's address from it and returns the address, which the account keeps. Errors: ErrNotFound,
// ErrConflict when the container has none.
func (s *Service) Detach(ctx context.Context, a account.Ref, container string) (netip.Addr, error) {
	ctx = context.WithoutCancel(ctx)
	var addr netip.Addr
	var id string
	err := s.Store.Update(ctx, a, func(tx *store.Tx) error {
		c, err := findContainer(tx.View, container)
		if err != nil {
			return err
		}
		have := attached(tx.View, c.ID)
		if len(have) == 0 {
			return oops.Conflict("container %s has no floating IP", c.Name)
		}
		addr, id = have[0].Address, c.ID
		row := *have[0]
		row.Container = ""
		return tx.PutFloatingIP(row)
	})
	if err != nil {
		return netip.Addr{}, err
	}
	failpoint.Hit("fip.detach.after-intent")
	if err := s.Network.Apply(ctx, a); err != nil {
		s.putBack(ctx, a, addr, "", id)
		return netip.Addr{}, err
	}
	s.publish(a, "detach", addr, id)
	return addr, nil
}

// putBack undoes a change of an address's container that the network did not follow: from what the
// change wrote to what was before. If anything else has happened to either meanwhile, that stands. The network is
// asked once more to be what the store says, since nobody knows how far it got.
func (s *Service) putBack(ctx context.Context, a account.Ref, addr netip.Addr, from, to string) {
	err := s.Store.Update(ctx, a, func(tx *store.Tx) error {
		f, ok := tx.FloatingIP(addr)
		if !ok || f.Container != from {
			return nil
		}
		if to != "" {
			c, ok := tx.Container(to)
			if !ok || c.Phase != store.Ready || len(attached(tx.View, to)) >= s.MaxPerContainer {
				return nil
			}
		}
		row := *f
		row.Container = to
		return tx.PutFloatingIP(row)
	})
	if err != nil {
		s.Log.Error("putting a floating IP back after the network failed", "fip", addr, "error", err)
	}
	if err := s.Network.Apply(ctx, a); err != nil {
		s.Log.Warn("applying the network once more", "fip", addr, "error", err)
	}
}

// findContainer finds a container that is there for users.
func findContainer(v *store.View, ref string) (*store.Container, error) {
	c, err := v.FindContainer(ref)
	if err != nil {
		return nil, err
	}
	if c.Phase != store.Ready {
		return nil, oops.NotFound("No such container: %s", ref)
	}
	return c, nil
}

// attached lists the addresses of a container.
func attached(v *store.View, id string) []*store.FloatingIP {
	var out []*store.FloatingIP
	for _, f := range v.FloatingIPs() {
		if f.Container == id {
			out = append(out, f)
		}
	}
	return out
}

// containerName is what an error calls the container with the id.
func containerName(v *store.View, id string) string {
	if c, ok := v.Container(id); ok {
		return c.Name
	}
	return id
}
