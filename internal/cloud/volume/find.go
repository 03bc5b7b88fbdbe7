package volume

import (
	"context"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Find finds a volume by its name. One that is being made or removed is not there: ErrNotFound.
func (s *Service) Find(a account.Ref, name string) (*store.Volume, error) {
	v, ok := s.Store.View(a).VolumeByName(name)
	if !ok || v.Phase != store.Ready {
		return nil, noSuchVolume(name)
	}
	return v, nil
}

// Usage is the number of bytes that a volume takes on the machine's disk, those that it shares with snapshots and copies included.
func (s *Service) Usage(ctx context.Context, a account.Ref, v *store.Volume) (int64, error) {
	return s.Engine.VolumeUsage(ctx, a, v.ID)
}

func noSuchVolume(name string) error { return oops.NotFound("No such volume: %s", name) }
