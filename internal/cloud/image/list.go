package image

import (
	"slices"
	"strconv"
	"strings"

	"github.com/distribution/reference"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// CheckFilters says what is wrong with the filters of a list: ErrInvalidArgument for an unknown one or a
// value that cannot be, ErrNotFound for an image in before or since that does not exist.
func (s *Service) CheckFilters(a account.Ref, filters map[string][]string) error {
	_, err := compile(s.Store.View(a), ListOptions{Filters: filters})
	return err
}

// List lists the account's images, newest first. Filters that CheckFilters refuses match nothing.
func (s *Service) List(a account.Ref, opts ListOptions) []Summary {
	v := s.Store.View(a)
	q, err := compile(v, opts)
	if err != nil {
		return nil
	}
	users := map[string]int{}
	for _, c := range v.Containers() {
		users[c.ImageID]++
	}
	shared := func(*store.Image) int64 { return -1 }
	if opts.Shared {
		shared = sharedSizes(v.Images())
	}
	var out []Summary
	for _, img := range v.Images() {
		tags := v.TagsOf(img.ID)
		if !q.image(img, tags) {
			continue
		}
		kept := slices.DeleteFunc(tags, func(t store.Tag) bool { return !q.name(t) })
		if len(kept) == 0 && q.byName() {
			continue
		}
		sum := Summary{Image: img, Containers: users[img.ID], Shared: shared(img)}
		sum.RepoTags, sum.RepoDigests = namesOf(kept)
		out = append(out, sum)
	}
	return out
}

// sharedSizes tells of each image how many bytes it has in layers that others of these have too. A layer is one with all that is below it.
func sharedSizes(images []*store.Image) func(*store.Image) int64 {
	users := map[string]int{}
	for _, img := range images {
		for _, chain := range chains(img) {
			users[chain]++
		}
	}
	return func(img *store.Image) (sum int64) {
		if len(img.LayerSizes) != len(img.DiffIDs) {
			return -1
		}
		for i, chain := range chains(img) {
			if users[chain] > 1 {
				sum += img.LayerSizes[i]
			}
		}
		return sum
	}
}

// query is a list's options, made ready.
type query struct {
	dangling      *bool
	labels        []string
	before, since []*store.Image
	patterns      []string // of which one must match
	repository    string   // exact; "": any
	tag           string   // exact; "": any
	nothing       bool     // the exact name is none
}

func compile(v *store.View, opts ListOptions) (*query, error) {
	q := &query{}
	for key, values := range opts.Filters {
		for _, value := range values {
			if err := q.add(v, key, value); err != nil {
				return nil, err
			}
		}
		if !slices.Contains([]string{"dangling", "label", "before", "since", "reference"}, key) {
			return nil, oops.Invalid("Invalid filter '%s': images can be filtered by dangling, label, before, since and reference", key)
		}
	}
	if opts.Reference != "" {
		q.exactly(opts.Reference)
	}
	return q, nil
}

func (q *query) add(v *store.View, key, value string) error {
	switch key {
	case "dangling":
		b, err := strconv.ParseBool(value)
		if err != nil || (q.dangling != nil && *q.dangling != b) {
			return oops.Invalid("Invalid filter 'dangling=%s': use true or false", value)
		}
		q.dangling = &b
	case "label":
		q.labels = append(q.labels, value)
	case "reference":
		if named, err := reference.ParseNormalizedNamed("x"); err == nil {
			if _, err := reference.FamiliarMatch(value, named); err != nil {
				return oops.Invalid("Invalid filter 'reference=%s': %v", value, err)
			}
		}
		q.patterns = append(q.patterns, value)
	case "before", "since":
		img, _, err := find(v, value)
		if err != nil {
			return err
		}
		if key == "before" {
			q.before = append(q.before, img)
		} else {
			q.since = append(q.since, img)
		}
	}
	return nil
}

// exactly restricts the list to a repository or one tag of it, as the argument of `images` does.
func (q *query) exactly(ref string) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		q.nothing = true
		return
	}
	q.repository, q.tag = named.Name(), tagOf(named)
}

func (q *query) byName() bool { return q.repository != "" || len(q.patterns) > 0 }

func (q *query) image(img *store.Image, tags []store.Tag) bool {
	if q.nothing {
		return false
	}
	if q.dangling != nil && *q.dangling != isDangling(tags) {
		return false
	}
	for _, l := range q.labels {
		key, value, valued := strings.Cut(l, "=")
		have, ok := img.Config.Config.Labels[key]
		if !ok || (valued && have != value) {
			return false
		}
	}
	for _, b := range q.before {
		if !img.Created.Before(b.Created) {
			return false
		}
	}
	for _, b := range q.since {
		if !img.Created.After(b.Created) {
			return false
		}
	}
	return true
}

// name reports whether a name of an image is to be shown.
func (q *query) name(t store.Tag) bool {
	if q.repository != "" && (t.Repository != q.repository || (q.tag != "" && t.Tag != q.tag)) {
		return false
	}
	if len(q.patterns) == 0 {
		return true
	}
	named, err := reference.ParseNormalizedNamed(t.Repository)
	if err != nil {
		return false
	}
	if t.Tag != "" {
		if tagged, err := reference.WithTag(named, t.Tag); err == nil {
			named = tagged
		}
	}
	return slices.ContainsFunc(q.patterns, func(p string) bool {
		whole, _ := reference.FamiliarMatch(p, named)
		return whole
	})
}

// isDangling reports whether an image has lost its last tag. What it was pulled by (a digest) may be left.
func isDangling(tags []store.Tag) bool {
	return !slices.ContainsFunc(tags, func(t store.Tag) bool { return t.Tag != "" })
}
