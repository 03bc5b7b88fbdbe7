package compose

import (
	"runtime/debug"
	"strings"
)

// library is the module that does the work.
const library = "github.com/docker/compose/v5"

// libraryVersion is its version, as it was linked.
func libraryVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range info.Deps {
		if m.Path == library {
			return strings.TrimPrefix(m.Version, "v")
		}
	}
	return "unknown"
}
