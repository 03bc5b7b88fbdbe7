package container

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/fip"
	"github.com/hypercloud/hyper/internal/cloud/names"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/store"
)

// Create makes a container that does not run yet, with its volumes and its addresses. Either all of
// it is there afterwards or nothing.
func (s *Service) Create(ctx context.Context, a account.Ref, req CreateRequest) (Created, error) {
	defer s.Trace("create", time.Now())
	c, plans, err := s.draft(a, &req)
	if err != nil {
		return Created{}, err
	}
	if err := quota.Afford(ctx, s.Spending, a); err != nil {
		return Created{}, err
	}
	// From here on the client's going away must not leave a half. It only ends the filling of a volume, and so the creation.
	filling := ctx
	ctx = context.WithoutCancel(ctx)
	if !slices.ContainsFunc(plans, func(p mountPlan) bool { return p.source != "" }) {
		filling = ctx
	}
	fresh, err := s.intend(ctx, a, &c, &req, plans)
	if err != nil {
		return Created{}, err
	}
	failpoint.Hit("container.create.after-intent")
	if err := s.make(ctx, filling, a, &c, fresh); err != nil {
		if uerr := s.erase(ctx, a, &c, fresh); uerr != nil {
			s.Log.Error("undoing a failed create", "container", c.ID, "error", uerr)
		}
		return Created{}, err
	}
	s.publish(a, &c, "create", nil)
	if f, ok := s.Store.View(a).FloatingIPOf(c.ID); ok {
		s.FIPs.Attached(a, f.Address, c.ID)
	}
	return Created{ID: c.ID}, nil
}

// draft is the row of a container that is asked for, as far as that does not take the account's other things.
func (s *Service) draft(a account.Ref, req *CreateRequest) (c Container, plans []mountPlan, err error) {
	if req.Name != "" {
		if req.Name[0] == '/' {
			req.Name = req.Name[1:]
		}
		if err := checkName(req.Name); err != nil {
			return c, nil, err
		}
	}
	img, err := s.Images.Find(a, req.Image)
	if err != nil {
		return c, nil, err
	}
	spec, plans, err := resolve(req, img)
	if err != nil {
		return c, nil, err
	}
	if err := publishable(s.Engine, spec.Published); err != nil {
		return c, nil, err
	}
	c = Container{
		ID: newID(), Name: req.Name, ImageID: img.ID, Phase: store.Creating, CreatedAt: time.Now().UTC(),
		Spec: spec, State: State{Status: store.StatusCreated},
	}
	if c.Spec.Hostname == "" {
		c.Spec.Hostname = shortID(c.ID)
	}
	return c, plans, nil
}

// intend writes the container and its volumes as being made. A container without a name gets one.
func (s *Service) intend(ctx context.Context, a account.Ref, c *Container, req *CreateRequest, plans []mountPlan) (fresh []string, err error) {
	asked := *c
	err = s.FIPs.Vetted(ctx, func() (err error) {
		*c = asked
		fresh, err = s.intendOnce(ctx, a, c, req, plans)
		return err
	})
	return fresh, err
}

func (s *Service) intendOnce(ctx context.Context, a account.Ref, c *Container, req *CreateRequest, plans []mountPlan) (fresh []string, err error) {
	err = s.Store.Update(ctx, a, func(tx *store.Tx) error {
		fresh, err = s.enter(tx, a, c, req, plans)
		return err
	})
	return fresh, err
}

// enter writes the container and its volumes in a transaction.
func (s *Service) enter(tx *store.Tx, a account.Ref, c *Container, req *CreateRequest, plans []mountPlan) (fresh []string, err error) {
	for try := 0; c.Name == "" && try < 100; try++ {
		name := names.Generate()
		if _, taken := tx.ContainerByName(name); !taken {
			c.Name = name
		}
	}
	if c.Name == "" {
		c.Name = shortID(c.ID)
	}
	if err := s.place(tx, c, req); err != nil {
		return nil, err
	}
	// The container's row comes first: a name that is taken is the likelier complaint.
	if err := tx.PutContainer(*c); err != nil {
		return nil, err
	}
	if err := checkGroups(tx.View, c.Spec.SecGroups); err != nil {
		return nil, err
	}
	old, err := replaced(tx, req.Replaces)
	if err != nil {
		return nil, err
	}
	if c.Spec.Mounts, fresh, err = takeVolumes(tx, c.ID, plans, old); err != nil {
		return nil, err
	}
	if err := borrow(tx.View, c, req.VolumesFrom); err != nil {
		return nil, err
	}
	// This is the only writer now, so the view that readers see is what there was before.
	if err := room(s.Store.View(a), c.Spec.Size, len(fresh), old); err != nil {
		return nil, err
	}
	// This too: what else is wrong must not use up an address, nor be hidden by the lack of one.
	if asked := c.Spec.FIP.Asked; asked != "" {
		if err := fip.Leads(tx.View, c); err != nil {
			return nil, err
		}
		if c.Spec.FIP, err = s.FIPs.Reserve(tx, asked, c.ID, predecessor(tx.View, c)); err != nil {
			return nil, err
		}
	}
	return fresh, tx.PutContainer(*c)
}

// make builds on the machine what was intended, and then says that it is there. Volumes are filled for as long as filling is not done.
func (s *Service) make(ctx, filling context.Context, a account.Ref, c *Container, fresh []string) error {
	var g errgroup.Group
	g.Go(func() error { return s.Engine.CreateContainer(ctx, a, c.ID, c.ImageID) })
	if len(fresh) > 0 {
		g.Go(func() error { return s.Volumes.Materialise(filling, a, fresh) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	failpoint.Hit("container.create.after-engine")
	written, err := s.populate(ctx, a, c)
	if err != nil {
		return err
	}
	failpoint.Hit("container.create.after-populate")
	c.Phase = store.Ready
	return s.Store.Update(ctx, a, func(tx *store.Tx) error {
		if _, err := s.FIPs.Settle(tx, c); err != nil {
			return err
		}
		for _, id := range written {
			if v, ok := tx.Volume(id); ok {
				row := *v
				row.Written = true
				if err := tx.PutVolume(row); err != nil {
					return err
				}
			}
		}
		return tx.PutContainer(*c)
	})
}

// populate copies the image's content into volumes that never held anything (behaviour 4.2). A volume that is
// mounted at several places receives nothing, since it could be one place's content only.
func (s *Service) populate(ctx context.Context, a account.Ref, c *Container) (written []string, err error) {
	places := map[string]int{}
	for _, m := range c.Spec.Mounts {
		places[m.VolumeID]++
	}
	view := s.Store.View(a)
	for _, m := range c.Spec.Mounts {
		v, ok := view.Volume(m.VolumeID)
		if !ok || v.Written || v.Container != c.ID && !m.Borrowed {
			continue
		}
		if v.Spec.Source != "" { // it holds what was asked for
			written = append(written, m.VolumeID)
			continue
		}
		dir, err := s.attachVolume(ctx, a, m.VolumeID)
		if err != nil {
			return nil, err
		}
		failpoint.Hit("volume.attach.after-mount")
		if places[m.VolumeID] == 1 && !m.NoCopy {
			if err := s.Engine.Populate(ctx, a, c.ID, m.Destination, dir); err != nil {
				return nil, err
			}
		}
		written = append(written, m.VolumeID)
	}
	return written, nil
}

// erase takes away everything of a container: process, root file system, files, the volumes in discard,
// its hold on the others, its addresses, its row.
func (s *Service) erase(ctx context.Context, a account.Ref, c *Container, discard []string) error {
	var doomed []string
	err := s.Store.Update(ctx, a, func(tx *store.Tx) error {
		doomed = doomed[:0]
		row, ok := tx.Container(c.ID)
		if !ok {
			return nil
		}
		gone := *row
		gone.Phase = store.Removing
		if err := fip.Forgo(tx, row); err != nil {
			return err
		}
		for _, id := range discard {
			// Somebody may have taken a snapshot meanwhile, or borrowed it: then the volume stays.
			if v, ok := tx.Volume(id); ok && len(tx.SnapshotsOf(id)) == 0 && heir(tx.View, v) == "" {
				gone := *v
				gone.Phase = store.Removing
				if err := tx.PutVolume(gone); err != nil {
					return err
				}
				doomed = append(doomed, id)
			}
		}
		return tx.PutContainer(gone)
	})
	if err != nil {
		return err
	}
	failpoint.Hit("container.remove.after-intent")
	var errs []error
	errs = append(errs, s.Engine.RemoveContainer(ctx, a, c.ID))
	errs = append(errs, s.Engine.DetachEndpoints(ctx, a, c.ID))
	for _, v := range s.Store.View(a).VolumesOf(c.ID) {
		errs = append(errs, s.detachVolume(ctx, a, c, v.ID))
	}
	if len(doomed) > 0 {
		errs = append(errs, s.Volumes.Discard(ctx, a, doomed))
	}
	errs = append(errs, os.RemoveAll(s.dir(a, c.ID)))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	failpoint.Hit("container.remove.after-engine")
	var moved []string // containers whose links have
	err = s.Store.Update(ctx, a, func(tx *store.Tx) error {
		for _, v := range tx.VolumesOf(c.ID) {
			free := *v
			free.Container = heir(tx.View, v)
			if err := tx.PutVolume(free); err != nil {
				return err
			}
		}
		if f, ok := tx.FloatingIPOf(c.ID); ok {
			free := *f
			free.Container = ""
			if err := tx.PutFloatingIP(free); err != nil {
				return err
			}
		}
		var err error
		if moved, err = relink(tx, c); err != nil {
			return err
		}
		return tx.DeleteContainer(c.ID)
	})
	if err != nil {
		return err
	}
	s.tellHosts(a, moved)
	if err := s.Network.Apply(ctx, a); err != nil {
		s.Log.Error("applying the network after a removal", "container", c.ID, "error", err)
	}
	return nil
}

func (s *Service) publish(a account.Ref, c *Container, action string, more map[string]string) {
	attrs := s.Labels(a, c)
	attrs["name"], attrs["image"] = c.Name, c.Spec.Image
	for k, v := range more {
		attrs[k] = v
	}
	s.Events.Publish(a, event.Event{Type: "container", Action: action, ID: c.ID, Attributes: attrs})
}
