package event

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// What one event may have, in bytes: hundreds are kept for each account, and a thousand for a listener that does not listen. A container's labels
// may have a megabyte, and so may the command of an exec.
const (
	maxAction     = 1 << 10
	maxAttributes = 16 << 10
)

// told are the attributes that programs look for. They are kept before labels.
var told = []string{"name", "image", "container", "exitCode", "execID", "signal", "imageID", "imageRef", "type", "driver", "destination"}

// fit leaves out what is too long for an event: of attributes the longest.
func (e *Event) fit() {
	if len(e.Action) > maxAction {
		e.Action = strings.Clone(strings.ToValidUTF8(e.Action[:maxAction], "")) + "..."
	}
	total := 0
	for k, v := range e.Attributes {
		total += len(k) + len(v)
	}
	if total <= maxAttributes {
		return
	}
	keys := slices.SortedFunc(maps.Keys(e.Attributes), func(x, y string) int {
		rank := func(k string) int {
			if slices.Contains(told, k) {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(rank(x), rank(y)), cmp.Compare(len(x)+len(e.Attributes[x]), len(y)+len(e.Attributes[y])), cmp.Compare(x, y))
	})
	out, left := map[string]string{}, maxAttributes
	for _, k := range keys {
		// A short text costs more than its bytes.
		if left -= len(k) + len(e.Attributes[k]) + 16; left < 0 {
			break
		}
		out[k] = e.Attributes[k]
	}
	e.Attributes = out
}
