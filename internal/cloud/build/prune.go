package build

import (
	"context"
	"time"

	"github.com/moby/buildkit/client"

	"github.com/hypercloud/hyper/internal/account"
)

// PruneRequest says which of a builder's cache goes.
type PruneRequest struct {
	All    bool          // what steps of today's images came from, too
	Unused time.Duration // only what was not used for so long
	Keep   int64         // bytes that may stay
}

// Pruned is what has gone.
type Pruned struct {
	IDs   []string
	Bytes int64
}

// Prune removes from the cache of the account's builder. Without a builder there is none.
func (s *Service) Prune(ctx context.Context, a account.Ref, req PruneRequest) (Pruned, error) {
	var out Pruned
	b, ok, err := s.Existing(ctx, a)
	if err != nil || !ok {
		return out, err
	}
	defer b.Release()
	gone := make(chan client.UsageInfo)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for u := range gone {
			out.IDs = append(out.IDs, u.ID)
			out.Bytes += u.Size
		}
	}()
	opts := []client.PruneOption{client.WithKeepOpt(req.Unused, req.Keep, 0, 0)}
	if req.All {
		opts = append(opts, client.PruneAll)
	}
	err = b.Prune(ctx, gone, opts...)
	close(gone)
	<-read
	return out, err
}
