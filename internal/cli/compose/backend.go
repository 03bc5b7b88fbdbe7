package compose

import (
	"fmt"
	"os"
	"strings"

	"github.com/docker/compose/v5/pkg/api"
	"github.com/docker/compose/v5/pkg/compose"
)

// backend is the library, for one command.
func (p *project) backend(e *engine, events api.EventProcessor, more ...compose.Option) (api.Compose, error) {
	api.ComposeVersion = libraryVersion() // A label says it; the library knows it of its own program only.
	return compose.NewComposeService(connected{p.session.Cli, e}, append([]compose.Option{
		compose.WithEventProcessor(events),
		compose.WithPrompt(p.refuse),
		compose.WithMaxConcurrency(p.parallel),
	}, more...)...)
}

// refuse answers the library's questions, all of which are about removing what may be wanted: data are not removed by the way.
func (p *project) refuse(question string, _ bool) (bool, error) {
	if name, ok := strings.CutPrefix(question, "Volume "); ok {
		name, _, _ = strings.Cut(name, " ")
		fmt.Fprintf(p.session.Err(), "WARNING: volume %s is not as the file describes it, and is left as it is: 'hyper volume resize' makes it larger, and a new one has another name\n", name)
	}
	return false, nil
}

// engine is the way to the server.
func (p *project) engine() *engine { return newEngine(p.session.Docker()) }

// knownName is the project's name for commands that need no file: a file that is there may have one.
func (p *project) knownName() (string, error) {
	var contents [][]byte
	if p.name == "" && os.Getenv(envName) == "" {
		o, err := p.options()
		switch {
		case err == nil:
			if contents, err = read(withoutStdin(o.ConfigPaths), nil); err != nil {
				return "", err
			}
		case len(p.files) > 0:
			return "", err
		}
	}
	return p.nameOf(contents)
}

func withoutStdin(paths []string) []string {
	var out []string
	for _, path := range paths {
		if path != stdin {
			out = append(out, path)
		}
	}
	return out
}
