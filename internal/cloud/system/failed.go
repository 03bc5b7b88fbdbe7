package system

import (
	"context"
	"fmt"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

// Machine is what a Service asks.
type Machine interface {
	engine.System
	VolumeFailed(ctx context.Context, a account.Ref, id string) (bool, error)
}

// Failures are sentences about the account's volumes that met an error.
func Failures(ctx context.Context, m Machine, a account.Ref, view *store.View) (list []string, err error) {
	for _, v := range view.Volumes() {
		if v.Phase != store.Ready {
			continue
		}
		failed, err := m.VolumeFailed(ctx, a, v.ID)
		if err != nil {
			return nil, err
		}
		if failed {
			list = append(list, fmt.Sprintf("volume %s met an error of the machine's disk and can only be read: restart its container, and it is checked and repaired", v.Name))
		}
	}
	return list, nil
}
