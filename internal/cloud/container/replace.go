package container

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// A container cannot be changed, only replaced: the new one is made while the old one still exists, so that a failure leaves the
// old one as it was. With Hyper's own compose the volumes that both mount at the same place pass over in the very transaction that writes the new
// container's intent. When the new one does not come to be, they go back to whoever still mounts them (heir).

// replaced finds the container whose place a new one takes; "" is none.
func replaced(tx *store.Tx, id string) (*Container, error) {
	if id == "" {
		return nil, nil
	}
	old, ok := tx.Container(id)
	if !ok || old.Phase != store.Ready {
		return nil, notFound(id)
	}
	if s := old.State.Status; s != store.StatusCreated && s != store.StatusExited {
		return nil, oops.Conflict("container %s is %s: it can only be replaced when it is stopped", old.Name, s)
	}
	return old, nil
}

// inherited is the volume that old mounts where the plan says, if the new container may have it.
func inherited(tx *store.Tx, old *Container, p mountPlan) (store.Volume, bool) {
	if old == nil {
		return store.Volume{}, false
	}
	i := slices.IndexFunc(old.Spec.Mounts, func(m store.Mount) bool { return m.Destination == p.path })
	if i < 0 {
		return store.Volume{}, false
	}
	v, ok := tx.Volume(old.Spec.Mounts[i].VolumeID)
	if !ok || v.Container != old.ID || v.Phase != store.Ready {
		return store.Volume{}, false
	}
	if p.volume == "" && (!v.Auto || v.Spec.Source != p.source) || p.volume != "" && v.Name != p.volume {
		return store.Volume{}, false
	}
	return *v, true
}

// heir is the id of the container that a volume falls to when the one that has it goes, or "".
// Who borrows it comes after who has it as its own.
func heir(view *store.View, v *store.Volume) string {
	borrower := ""
	for _, c := range view.Containers() {
		if c.ID == v.Container || c.Phase != store.Ready {
			continue
		}
		for _, m := range c.Spec.Mounts {
			if m.VolumeID != v.ID {
				continue
			}
			if !m.Borrowed {
				return c.ID
			}
			borrower = c.ID
		}
	}
	return borrower
}

func mounts(c *Container, volume string) bool {
	return slices.ContainsFunc(c.Spec.Mounts, func(m store.Mount) bool { return m.VolumeID == volume })
}

// checkMounts refuses to start a container whose volumes have passed to the one that replaces it.
func checkMounts(view *store.View, c *Container) error {
	for _, m := range c.Spec.Mounts {
		v, ok := view.Volume(m.VolumeID)
		if ok && v.Spec.Restoring != "" {
			return oops.Conflict("volume %s is being restored: wait until that is done", v.Name)
		}
		if ok && !m.Borrowed && v.Container != c.ID && expects(view, c.ID, v) {
			return oops.Conflict("volume %s is still with container %s: remove that one, which this is to replace", v.Name, shortID(v.Container))
		}
		if ok && !m.Borrowed && v.Container != c.ID {
			return oops.Conflict("volume %s has passed from container %s to another: remove this container, which is replaced", v.Name, c.Name)
		}
	}
	return nil
}

// The labels by which docker compose tells that a container takes the place of another one, which it removes before it starts the new one.
const (
	composeReplaces = "com.docker.compose.replace"
	composeProject  = "com.docker.compose.project"
	composeService  = "com.docker.compose.service"
	composeNumber   = "com.docker.compose.container-number"
	composeOneOff   = "com.docker.compose.oneoff"
)

// Docker compose makes the new container while the old one runs, mounts the old one's volumes in it by their names, and starts it when the old one is
// gone. So a volume may be mounted by who is to have it: it stays the old one's until that is removed, and then falls to its heir, the new one. If the
// new one is given up, nothing has happened. What was linked to the old one is linked to the new one from then on.

// succeeds tells that docker compose means c to take the place of other: by a label, or where it is to have new anonymous volumes only by
// the name that it has for the time being.
func succeeds(c, other *Container) bool {
	labels := c.Spec.Labels
	if labels[composeProject] == "" || labels[composeService] == "" || other.ID == c.ID || other.Phase != store.Ready {
		return false
	}
	if labels[composeReplaces] == "" && c.Name != shortID(other.ID)+"_"+other.Name {
		return false
	}
	differs := func(label string) bool { return other.Spec.Labels[label] != labels[label] }
	return !slices.ContainsFunc([]string{composeProject, composeService, composeNumber, composeOneOff}, differs)
}

// predecessor is the id of the container whose place docker compose means c to take, or ""; of several the oldest, since others were given up.
func predecessor(view *store.View, c *Container) string {
	var out *Container
	for _, other := range view.Containers() {
		if succeeds(c, other) && (out == nil || other.CreatedAt.Before(out.CreatedAt)) {
			out = other
		}
	}
	if out == nil {
		return ""
	}
	return out.ID
}

// successor is the container that docker compose has made to take the place of c, or nil; of several the latest.
func successor(view *store.View, c *Container) *Container {
	was := *c
	was.Phase = store.Ready // it is being removed
	var out *Container
	for _, other := range view.Containers() {
		if other.Phase == store.Ready && succeeds(other, &was) && (out == nil || other.CreatedAt.After(out.CreatedAt)) {
			out = other
		}
	}
	return out
}

// expects tells that a volume is to pass to a container when the one that has it is removed, which docker compose does before it starts the
// new one. Until then it stays with the old one, which may be running still; then it falls to its heir.
func expects(view *store.View, id string, v *store.Volume) bool {
	c, ok := view.Container(id)
	old, had := view.Container(v.Container)
	return ok && had && succeeds(c, old)
}

// relink makes the links to a container, which is about to be gone, links to the one that takes its place, and names the containers that have them.
func relink(tx *store.Tx, gone *Container) (ids []string, err error) {
	next := successor(tx.View, gone)
	if next == nil {
		return nil, nil
	}
	for _, c := range tx.Containers() {
		linked := slices.ContainsFunc(c.Spec.Links, func(l store.Link) bool { return l.Target == gone.ID })
		if !linked || c.ID == gone.ID {
			continue
		}
		row := *c
		row.Spec.Links = slices.Clone(c.Spec.Links)
		for i := range row.Spec.Links {
			if row.Spec.Links[i].Target == gone.ID {
				row.Spec.Links[i].Target = next.ID
			}
		}
		if err := tx.PutContainer(row); err != nil {
			return nil, err
		}
		ids = append(ids, c.ID)
	}
	return ids, nil
}

// tellHosts writes the new addresses into /etc/hosts of containers that run and whose links have moved. Those of their variables that were set when they
// started stay as they were.
func (s *Service) tellHosts(a account.Ref, ids []string) {
	view := s.Store.View(a)
	for _, id := range ids {
		c, ok := view.Container(id)
		if !ok || !c.State.Status.Live() {
			continue
		}
		if err := os.WriteFile(filepath.Join(s.dir(a, id), "hosts"), []byte(hostsFile(view, c)), 0o644); err != nil {
			s.Log.Error("writing the hosts of a container whose links have moved", "container", id, "error", err)
		}
	}
}
