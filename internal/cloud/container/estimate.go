package container

import (
	"context"
	"errors"
	"net/netip"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/store"
)

// Prospect is what a container that is asked for would have. What it costs is not known here (package usage).
type Prospect struct {
	Name    string // "": the platform would find one
	Size    string
	ImageID string
	Image   string // as it was asked for
	Volumes []ProspectVolume
	// FIP is the floating IP that it would get, if it asks for one.
	FIP netip.Addr
	// FreshFIP says that it would be allocated for it.
	FreshFIP bool
	// Refused is why it cannot be begun now although nothing is wrong with it: a budget is spent. Nil: it can.
	Refused error
}

// ProspectVolume is a volume that the container would mount.
type ProspectVolume struct {
	Name   string // "" of a new one that the platform would find a name for
	ID     string
	SizeGB int
	Fresh  bool // it would be made
}

// errProspect ends a transaction that is made to be given up.
var errProspect = errors.New("this was only to see")

// Estimate tells what Create would make, and makes nothing. What is wrong with the request is wrong here too: the errors are those of Create, but for a
// budget that is spent.
func (s *Service) Estimate(ctx context.Context, a account.Ref, req CreateRequest) (Prospect, error) {
	asked, plans, err := s.draft(a, &req)
	if err != nil {
		return Prospect{}, err
	}
	var p Prospect
	err = s.FIPs.Vetted(ctx, func() error {
		return s.Store.Update(ctx, a, func(tx *store.Tx) error {
			c := asked
			fresh, err := s.enter(tx, a, &c, &req, plans)
			if err != nil {
				return err
			}
			p = prospect(tx.View, &c, fresh)
			p.Name = asked.Name // one that was found is not promised
			return errProspect
		})
	})
	if !errors.Is(err, errProspect) {
		return Prospect{}, err
	}
	p.Refused = quota.Afford(ctx, s.Spending, a)
	return p, nil
}

// prospect describes a container that a transaction has entered.
func prospect(v *store.View, c *Container, fresh []string) Prospect {
	p := Prospect{
		Size: c.Spec.Size, ImageID: c.ImageID, Image: c.Spec.Image, FIP: c.Spec.FIP.Awaits, FreshFIP: c.Spec.FIP.Fresh,
	}
	made, seen := map[string]bool{}, map[string]bool{}
	for _, id := range fresh {
		made[id] = true
	}
	for _, m := range c.Spec.Mounts {
		vol, ok := v.Volume(m.VolumeID)
		if !ok || seen[vol.ID] {
			continue
		}
		seen[vol.ID] = true
		one := ProspectVolume{Name: vol.Name, ID: vol.ID, SizeGB: vol.SizeGB, Fresh: made[vol.ID]}
		if one.Fresh && vol.Auto {
			one.Name = ""
		}
		p.Volumes = append(p.Volumes, one)
	}
	return p
}
