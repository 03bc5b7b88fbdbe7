package docker

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// pruning is what a call that removes whatever is not in use leaves out.
type pruning struct {
	aged    bool      // until counts
	until   time.Time // younger things stay
	filters map[string][]string
}

// pruneFilters reads the filters of such a call: labels, with aged the age, and further ones of the call's own.
func pruneFilters(r *http.Request, aged bool, further ...string) (pruning, error) {
	known := append([]string{"label", "label!"}, further...)
	if aged {
		known = append(known, "until")
	}
	filters, err := rest.Filters(r, known...)
	if err != nil {
		return pruning{}, err
	}
	until, err := untilFilter(filters["until"])
	return pruning{aged: len(filters["until"]) > 0, until: until, filters: filters}, err
}

// takes tells whether what was made at a time, with these labels, may go.
func (p pruning) takes(created time.Time, labels map[string]string) bool {
	if p.aged && created.After(p.until) {
		return false
	}
	lacks := func(v string) bool { return !hasLabel(labels, v) }
	has := func(v string) bool { return hasLabel(labels, v) }
	return !slices.ContainsFunc(p.filters["label"], lacks) && !slices.ContainsFunc(p.filters["label!"], has)
}

// hasLabel reports whether labels have what a filter names: KEY or KEY=VALUE.
func hasLabel(labels map[string]string, filter string) bool {
	key, want, valued := strings.Cut(filter, "=")
	have, ok := labels[key]
	return ok && (!valued || have == want)
}

// untilFilter reads the one value of a filter that bounds ages: a time, or how long ago that is.
func untilFilter(values []string) (time.Time, error) {
	switch len(values) {
	case 0:
		return time.Time{}, nil
	case 1:
		if ago, err := time.ParseDuration(values[0]); err == nil {
			return now().Add(-ago), nil
		}
		return rest.ParseTime("until", values[0])
	}
	return time.Time{}, oops.Invalid("more than one until filter specified")
}
