package complete

import (
	"maps"
	"slices"

	"github.com/hypercloud/hyper/internal/cli/session"
)

// Keys are those of the two tables.
func Keys() (arguments, flags []string) {
	o := sources{&session.Session{}}
	return slices.Sorted(maps.Keys(o.arguments())), slices.Sorted(maps.Keys(o.flags()))
}

// Sizes are those that are offered, with what they are.
func Sizes() []string { return sizes }
