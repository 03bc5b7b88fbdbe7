package image

import (
	"context"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/store"
)

// Prune removes the images that match and that no container was made from: the dangling ones, or every one. It tells what went
// and how many bytes its layers had; those shared with images that stay, or with other accounts, are counted too. After an
// error it tells what went before.
func (s *Service) Prune(ctx context.Context, a account.Ref, match func(*store.Image) bool, dangling bool) ([]Removed, int64, error) {
	var all []Removed
	var bytes int64
	for _, img := range s.Store.View(a).Images() {
		if err := ctx.Err(); err != nil {
			return all, bytes, err
		}
		if !match(img) {
			continue
		}
		steps, err := s.carryOut(ctx, a, func(tx *store.Tx) (*removal, error) { return pruneOne(tx, img.ID, dangling) })
		if errdefs.IsConflict(err) {
			continue // a container was made from it in between
		}
		if err != nil {
			return all, bytes, err
		}
		if len(steps) > 0 {
			all = append(all, steps...)
			bytes += img.Size
		}
	}
	return all, bytes, nil
}

func pruneOne(tx *store.Tx, id string, dangling bool) (*removal, error) {
	img, ok := tx.Image(id)
	_, used := userOf(tx.View, id)
	if !ok || used || dangling && !isDangling(tx.TagsOf(id)) {
		return &removal{}, nil
	}
	return removeByID(tx, img, true)
}
