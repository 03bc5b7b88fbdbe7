package volume

import (
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

func noSuchVolume(name string) error { return oops.NotFound("No such volume: %s", name) }
