package volume

import (
	"context"
	"fmt"
	"time"

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

// Watch tells of volumes that meet an error, in the log and by the event "failed", until ctx is done.
func (s *Service) Watch(ctx context.Context) {
	const often = 10 * time.Second
	tick := time.NewTicker(often)
	defer tick.Stop()
	told := map[string]bool{}
	for {
		told = s.tellFailed(ctx, told)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tellFailed tells of the volumes that have failed, but for those that were told of, and returns all of them by id.
func (s *Service) tellFailed(ctx context.Context, told map[string]bool) map[string]bool {
	failed := map[string]bool{}
	for _, acc := range s.Store.Accounts() {
		for _, v := range s.Store.View(acc.Ref).Volumes() {
			if v.Container == "" {
				continue
			}
			bad, err := s.Failed(ctx, acc.Ref, v)
			if ctx.Err() != nil {
				return told
			}
			if err != nil {
				s.Log.Warn("a volume cannot be watched", "account", acc.Ref, "volume", v.Name, "error", err)
				bad = told[v.ID]
			}
			if !bad {
				continue
			}
			failed[v.ID] = true
			if !told[v.ID] {
				s.Log.Error("a volume met an error of the machine's disk, and can only be read", "account", acc.Ref, "volume", v.Name, "id", v.ID)
				s.publish(acc.Ref, "failed", v.Name)
			}
		}
	}
	return failed
}
