package image

import (
	"context"

	"github.com/distribution/reference"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Tag gives an image one more name: repository and tag (latest if ""). A name that another image has moves.
// Errors: ErrInvalidArgument, ErrNotFound.
func (s *Service) Tag(ctx context.Context, a account.Ref, ref, repository, tag string) error {
	named, err := parse(repository)
	if err != nil {
		return err
	}
	if digestOf(named) != "" {
		return oops.Invalid("%q has a digest: an image can be given a tag only", repository)
	}
	if tag != "" {
		if named, err = reference.WithTag(reference.TrimNamed(named), tag); err != nil {
			return oops.Invalid("%q is not a tag of an image: %v", tag, err)
		}
	}
	if familiar(named.Name()) == "scratch" {
		return oops.Invalid("'scratch' is a reserved name")
	}
	var id string
	err = s.Store.Update(ctx, a, func(tx *store.Tx) error {
		img, _, err := find(tx.View, ref)
		if err != nil {
			return err
		}
		id = img.ID
		if old, had := tx.Tag(named.Name(), tagOf(named)); had && old.ImageID == id {
			return nil
		}
		return move(tx, store.Tag{Repository: named.Name(), Tag: tagOf(named), ImageID: id})
	})
	if err != nil {
		return err
	}
	s.publish(a, "tag", id, reference.FamiliarString(named))
	return nil
}
