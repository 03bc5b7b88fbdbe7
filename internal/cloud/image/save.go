package image

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Save writes images into an archive. A name without a tag means all tags of it; an id means the image without a name. begin is
// called before anything is written: until then an error is the whole answer. Errors: ErrNotFound, ErrInvalidArgument.
func (s *Service) Save(ctx context.Context, a account.Ref, refs []string, begin func(), w io.Writer) error {
	v := s.Store.View(a)
	var all []engine.SavedImage
	for _, ref := range refs {
		img, byID, err := find(v, ref)
		if err != nil && !tagged(ref) {
			// Without a tag every tag will do, not only latest.
			if more := allTags(v, ref); len(more) > 0 {
				all = merge(all, more...)
				continue
			}
		}
		if err != nil {
			return err
		}
		switch {
		case byID:
			all = merge(all, engine.SavedImage{ID: img.ID})
		case !tagged(ref):
			all = merge(all, allTags(v, ref)...)
		default:
			named, err := parse(ref)
			if err != nil {
				return err
			}
			one := engine.SavedImage{ID: img.ID}
			if tagOf(named) != "" {
				one.Names = []string{named.String()}
			}
			all = merge(all, one)
		}
	}
	if len(all) == 0 {
		return oops.Invalid("no image is named to be saved")
	}
	begin()
	return s.Engine.Save(ctx, a, all, w)
}

// tagged reports whether a reference has a tag or a digest of its own.
func tagged(ref string) bool {
	named, err := reference.ParseNormalizedNamed(ref)
	return err != nil || !reference.IsNameOnly(named)
}

// allTags lists the tagged images of a repository.
func allTags(v *store.View, ref string) []engine.SavedImage {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return nil
	}
	var out []engine.SavedImage
	for _, t := range v.Tags() {
		if t.Repository == named.Name() && t.Tag != "" {
			out = merge(out, engine.SavedImage{ID: t.ImageID, Names: []string{t.Repository + ":" + t.Tag}})
		}
	}
	return out
}

// merge adds images to a list that has each once, with all names.
func merge(list []engine.SavedImage, more ...engine.SavedImage) []engine.SavedImage {
	for _, m := range more {
		i := slices.IndexFunc(list, func(x engine.SavedImage) bool { return x.ID == m.ID })
		if i < 0 {
			list = append(list, m)
			continue
		}
		for _, n := range m.Names {
			if !slices.Contains(list[i].Names, n) {
				list[i].Names = append(list[i].Names, n)
			}
		}
		slices.SortFunc(list[i].Names, strings.Compare)
	}
	return list
}
