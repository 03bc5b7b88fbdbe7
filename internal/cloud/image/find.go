package image

import (
	"strings"

	"github.com/distribution/reference"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Find finds the image that a user means by ref: a name with tag or digest, an id, or the beginning of
// one id, with or without "sha256:". Errors: ErrNotFound, and ErrInvalidArgument for what can name no image.
func (s *Service) Find(a account.Ref, ref string) (*store.Image, error) {
	img, _, err := find(s.Store.View(a), ref)
	return img, err
}

// find is Find in one view. byID tells that ref is an id or the beginning of one.
func find(v *store.View, ref string) (img *store.Image, byID bool, err error) {
	if strings.TrimSpace(ref) == "" {
		return nil, false, errEmptyName()
	}
	prefix, hex := idPrefix(ref)
	// 64 hex digits are an id and never a name: docker's references exclude them.
	if hex && (strings.HasPrefix(ref, "sha256:") || idPattern.MatchString(ref)) {
		img, err = findPrefix(v, ref, prefix)
		return img, true, err
	}
	named, err := parse(ref)
	if err != nil {
		return nil, false, err
	}
	if tag, ok := findTag(v, named); ok {
		img, ok := v.Image(tag.ImageID)
		if !ok {
			return nil, false, noSuchImage(reference.FamiliarString(named))
		}
		return img, false, nil
	}
	if hex {
		img, err = findPrefix(v, reference.FamiliarString(named), prefix)
		return img, true, err
	}
	return nil, false, noSuchImage(reference.FamiliarString(named))
}

func findPrefix(v *store.View, shown, prefix string) (*store.Image, error) {
	var found *store.Image
	for _, img := range v.Images() {
		switch {
		case !strings.HasPrefix(img.ID, prefix):
		case found != nil:
			return nil, oops.Invalid("more than one image has an id that begins with %s: give more of it", strings.TrimPrefix(prefix, "sha256:"))
		default:
			found = img
		}
	}
	if found == nil {
		return nil, noSuchImage(shown)
	}
	return found, nil
}

// findTag finds the row that a normalised reference names. A reference by digest is answered by
// any tag of its repository that was pulled with this digest.
func findTag(v *store.View, named reference.Named) (store.Tag, bool) {
	d := digestOf(named)
	if d == "" {
		return v.Tag(named.Name(), tagOf(named))
	}
	for _, t := range v.Tags() {
		if t.Repository == named.Name() && t.Digest == d {
			return t, true
		}
	}
	return store.Tag{}, false
}

// noSuchImage has exactly the words that make clients pull (api 21.2).
func noSuchImage(shown string) error { return oops.NotFound("No such image: %s", shown) }
