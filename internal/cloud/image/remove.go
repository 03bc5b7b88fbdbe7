package image

import (
	"context"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Remove takes a name from an image, or with an id all of its names; an image without names goes. As in Docker:
//
//   - by name: a container that was made from the image holds its last name, unless forced; then the
//     image stays without a name for as long as there are such containers.
//   - by id: an image with names in several repositories, or several tags, goes only if forced. One that a running
//     container uses does not go; one that only others use loses its names if forced, and stays.
//
// Errors: ErrInvalidArgument, ErrNotFound, ErrConflict.
func (s *Service) Remove(ctx context.Context, a account.Ref, ref string, force bool) ([]Removed, error) {
	return s.carryOut(ctx, a, func(tx *store.Tx) (*removal, error) {
		img, byID, err := find(tx.View, ref)
		if err != nil {
			return nil, err
		}
		if byID {
			return removeByID(tx, img, force)
		}
		return removeByName(tx, img, ref, force)
	})
}

// removal is what a removal comes to.
type removal struct {
	steps []Removed
	image string // id of the image whose names were taken
	gone  bool   // and that went itself
}

// carryOut makes a removal true: in the store first, then in the engine. What the engine fails to remove is nobody's
// any more, and goes when hyperd starts the next time.
func (s *Service) carryOut(ctx context.Context, a account.Ref, plan func(*store.Tx) (*removal, error)) ([]Removed, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	sh := s.shelf(a)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	var r *removal
	err := s.Store.Update(ctx, a, func(tx *store.Tx) error {
		var err error
		r, err = plan(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	failpoint.Hit("image.remove.after-intent")
	if r.gone {
		s.drop(ctx, a, sh, r.image)
	}
	for _, step := range r.steps {
		if step.Untagged != "" {
			s.publish(a, "untag", r.image, step.Untagged)
		}
	}
	if r.gone {
		s.publish(a, "delete", r.image, r.image)
	}
	return r.steps, nil
}

// drop lets the engine forget an image that the store does not have, and tells the pulls that are
// under way, one of which may have counted on it. sh.mu is held.
func (s *Service) drop(ctx context.Context, a account.Ref, sh *shelf, id string) {
	if err := s.Engine.RemoveImage(ctx, a, id); err != nil {
		s.Log.Warn("an image that is not in use stays on the machine until the next start", "image", id, "error", err)
	}
	for _, lost := range sh.lost {
		lost[id] = true
	}
}

func removeByName(tx *store.Tx, img *store.Image, ref string, force bool) (*removal, error) {
	named, err := parse(ref)
	if err != nil {
		return nil, err
	}
	r := &removal{image: img.ID}
	if digestOf(named) != "" {
		err = r.untagDigest(tx, named)
	} else {
		err = r.untag(tx, named)
	}
	if err != nil || len(tx.TagsOf(img.ID)) > 0 {
		return r, err
	}
	user, used := userOf(tx.View, img.ID)
	if !used {
		return r, r.delete(tx, img)
	}
	if !force {
		return nil, oops.Conflict("conflict: unable to remove repository reference %q (must force) - container %s is using its referenced image %s",
			ref, shortID(user.ID), shortID(img.ID))
	}
	return r, nil
}

// untag takes a tag from its image. With the last tag in a repository the digests that the image has there go too.
func (r *removal) untag(tx *store.Tx, named reference.Named) error {
	row, _ := tx.Tag(named.Name(), tagOf(named))
	if err := tx.DeleteTag(row.Repository, row.Tag, row.Digest); err != nil {
		return err
	}
	r.untagged(reference.FamiliarString(named))
	rest := slices.DeleteFunc(tx.TagsOf(r.image), func(t store.Tag) bool { return t.Repository != row.Repository })
	if !isDangling(rest) {
		if row.Digest == "" || slices.ContainsFunc(rest, func(t store.Tag) bool { return t.Digest == row.Digest }) {
			return nil
		}
		row.Tag = "" // no other name tells of this digest
		return tx.PutTag(row)
	}
	if row.Digest != "" {
		r.untagged(familiar(row.Repository) + "@" + row.Digest)
	}
	for _, t := range rest {
		if err := tx.DeleteTag(t.Repository, t.Tag, t.Digest); err != nil {
			return err
		}
		r.untagged(familiar(t.Repository) + "@" + t.Digest)
	}
	return nil
}

// untagDigest takes a reference by digest from its image. Tags that were pulled with it stay.
func (r *removal) untagDigest(tx *store.Tx, named reference.Named) error {
	for _, t := range tx.TagsOf(r.image) {
		if t.Repository != named.Name() || t.Digest != digestOf(named) {
			continue
		}
		if err := tx.DeleteTag(t.Repository, t.Tag, t.Digest); err != nil {
			return err
		}
		if t.Tag == "" {
			continue
		}
		t.Digest = ""
		if err := tx.PutTag(t); err != nil {
			return err
		}
	}
	r.untagged(reference.FamiliarString(named))
	return nil
}

func removeByID(tx *store.Tx, img *store.Image, force bool) (*removal, error) {
	tags := tx.TagsOf(img.ID)
	refuse := func(force, format string, args ...any) error {
		return oops.Conflict("conflict: unable to delete %s (%s) - "+format, append([]any{shortID(img.ID), force}, args...)...)
	}
	user, used := userOf(tx.View, img.ID)
	switch {
	case used && user.State.Status.Live():
		return nil, refuse("cannot be forced", "running container %s is using it", shortID(user.ID))
	case used && len(tags) == 0:
		return nil, refuse("cannot be forced", "stopped container %s is using it: remove the container first", shortID(user.ID))
	case !force && severalNames(tags):
		return nil, refuse("must be forced", "image is referenced in multiple repositories")
	case !force && used:
		return nil, refuse("must be forced", "stopped container %s is using it", shortID(user.ID))
	}
	r := &removal{image: img.ID}
	repoTags, repoDigests := namesOf(tags)
	for _, name := range append(repoTags, repoDigests...) {
		r.untagged(name)
	}
	for _, t := range tags {
		if err := tx.DeleteTag(t.Repository, t.Tag, t.Digest); err != nil {
			return nil, err
		}
	}
	if used {
		return r, nil
	}
	return r, r.delete(tx, img)
}

// delete takes the image itself, and tells which chains of layers no other image of the account has.
func (r *removal) delete(tx *store.Tx, img *store.Image) error {
	if err := tx.DeleteImage(img.ID); err != nil {
		return err
	}
	r.gone = true
	r.steps = append(r.steps, Removed{Deleted: img.ID})
	shared := map[string]bool{}
	for _, other := range tx.Images() {
		for _, chain := range chains(other) {
			shared[chain] = true
		}
	}
	for _, chain := range slices.Backward(chains(img)) {
		if !shared[chain] {
			r.steps = append(r.steps, Removed{Deleted: chain})
		}
	}
	return nil
}

func (r *removal) untagged(name string) {
	step := Removed{Untagged: name}
	if !slices.Contains(r.steps, step) {
		r.steps = append(r.steps, step)
	}
}

// severalNames reports whether names lie in several repositories, or more than one of them is a tag.
func severalNames(tags []store.Tag) bool {
	n := 0
	for _, t := range tags {
		if t.Tag != "" {
			n++
		}
		if t.Repository != tags[0].Repository {
			return true
		}
	}
	return n > 1
}

// userOf finds a container that was made from an image, one that runs if there is one.
func userOf(v *store.View, imageID string) (user *store.Container, used bool) {
	for _, c := range v.Containers() {
		if c.ImageID != imageID {
			continue
		}
		if c.State.Status.Live() {
			return c, true
		}
		user, used = c, true
	}
	return user, used
}

// shortID is the first 12 digits of an id.
func shortID(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	return id[:min(12, len(id))]
}
