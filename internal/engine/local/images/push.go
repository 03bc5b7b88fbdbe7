package images

import (
	"context"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

func (s *Store) Push(ctx context.Context, a account.Ref, req engine.PushRequest, progress func(engine.PushProgress)) (engine.Pushed, error) {
	return engine.Pushed{}, oops.NotImplemented("images cannot be pushed yet")
}
