package local

import (
	"context"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

// Commit implements engine.Committer: the runtime has what a container wrote, and the store makes a layer of it.
func (e *Engine) Commit(ctx context.Context, a account.Ref, req engine.CommitRequest) error {
	return e.Written(ctx, a, req.ID, func(dir string) error { return e.CommitDir(ctx, a, req, dir) })
}
