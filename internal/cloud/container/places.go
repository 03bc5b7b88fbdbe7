package container

import (
	"strconv"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/volume"
)

// publishPlaces tells that a container which has started is in its networks and has its volumes, or that one which has ended is and has not,
// as Docker does. What it has for life (its address, its volumes) stays its own all the while.
func (s *Service) publishPlaces(a account.Ref, c *Container, begins bool) {
	joins, takes := "connect", "mount"
	if !begins {
		joins, takes = "disconnect", "unmount"
	}
	for _, p := range s.Network.Places(a, c) {
		s.Network.Publish(a, p.Network, joins, c.ID)
	}
	view := s.Store.View(a)
	for _, m := range c.Spec.Mounts {
		v, ok := view.Volume(m.VolumeID)
		if !ok {
			continue
		}
		attributes := map[string]string{"container": c.ID, "driver": volume.Driver}
		if begins {
			attributes["destination"], attributes["propagation"], attributes["read/write"] = m.Destination, "", strconv.FormatBool(!m.ReadOnly)
		}
		s.Events.Publish(a, event.Event{Type: "volume", Action: takes, ID: v.Name, Attributes: attributes})
	}
}
