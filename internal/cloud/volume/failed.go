package volume

import (
	"context"
	"fmt"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/store"
)

// Failed reports whether a volume met an error of the machine's disk. It can only be read then, until it is attached again.
func (s *Service) Failed(ctx context.Context, a account.Ref, v *store.Volume) (bool, error) {
	if v.Phase != store.Ready {
		return false, nil
	}
	failed, err := s.Engine.VolumeFailed(ctx, a, v.ID)
	if err != nil {
		return false, fmt.Errorf("ask how volume %s is: %w", v.Name, err)
	}
	return failed, nil
}
