package local

import (
	"context"
	"errors"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/failpoint"
)

// PrepareFill implements engine.Filler: the disk is made and mounted by the one package, and filled by the other.
func (e *Engine) PrepareFill(ctx context.Context, a account.Ref, id string, size int64, src engine.FillSource) (engine.Filled, error) {
	dir, err := e.BeginFill(ctx, a, id, size)
	if err != nil {
		return engine.Filled{}, err
	}
	failpoint.Hit("fill.after-begin")
	out, err := e.FillDirectory(ctx, a, dir, src)
	if err == nil {
		failpoint.Hit("fill.after-write")
		err = e.EndFill(ctx, a, id)
	}
	if err != nil {
		return engine.Filled{}, errors.Join(err, e.DropFill(context.WithoutCancel(ctx), a, id))
	}
	return out, nil
}
