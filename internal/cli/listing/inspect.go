package listing

import (
	"io"

	"github.com/docker/cli/cli/command/inspect"
	dockerclient "github.com/moby/moby/client"
)

// Inspect shows things as an array of JSON objects, or each through a template. Those that get does not find are
// reported after the others. Without a server nothing is shown at all.
func Inspect(w io.Writer, names []string, format string, get inspect.GetRefFunc) error {
	type thing struct {
		element any
		raw     []byte
		err     error
	}
	things := map[string]thing{}
	for _, name := range names {
		element, raw, err := get(name)
		if dockerclient.IsErrConnectionFailed(err) {
			return err
		}
		things[name] = thing{element, raw, err}
	}
	return inspect.Inspect(w, names, format, func(name string) (any, []byte, error) {
		t := things[name]
		return t.element, t.raw, t.err
	})
}
