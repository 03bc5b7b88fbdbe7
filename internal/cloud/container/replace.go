package container

import (
	"slices"

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

// predecessor is the id of the container whose place docker compose means c to take, or "".
func predecessor(view *store.View, c *Container) string {
	for _, other := range view.Containers() {
		if succeeds(c, other) {
			return other.ID
		}
	}
	return ""
}

// expects tells that a volume is to pass to a container when the one that has it is removed, which docker compose does before it starts the
// new one. Until then it stays with the old one, which may be running still; then it falls to its heir.
func expects(view *store.View, id string, v *store.Volume) bool {
	c, ok := view.Container(id)
	old, had := view.Container(v.Container)
	return ok && had && succeeds(c, old)
}
