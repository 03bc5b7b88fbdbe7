package compose

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
)

// envName is the environment variable that names the project.
const envName = "COMPOSE_PROJECT_NAME"

// maxName is how long a container's name, of which the project's is a part, may be (behaviour 2.3).
const maxName = 48

// normalise is a project's name as it stands in labels and names: lower case, and nothing but letters and digits (behaviour 12.2). The
// server has the same rule for the original client.
func normalise(typed string) (string, error) {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(typed))
	switch {
	case name == "":
		return "", fmt.Errorf("the project name %q has no letter or digit in it: name the project by -p", typed)
	case len(name) > maxName:
		return "", fmt.Errorf("the project name %s is longer than %d characters: choose a shorter one by -p", name, maxName)
	}
	return name, nil
}

// nameOf chooses the project's name: -p, then the environment, then what a file says, then the working directory's.
func (p *project) nameOf(files [][]byte) (string, error) {
	if p.name != "" {
		return normalise(p.name)
	}
	if name := os.Getenv(envName); name != "" {
		return normalise(name)
	}
	for i := len(files) - 1; i >= 0; i-- {
		var named struct {
			Name string `yaml:"name"`
		}
		if yaml.Unmarshal(files[i], &named) == nil && named.Name != "" {
			return normalise(os.ExpandEnv(named.Name))
		}
	}
	dir := p.directory
	if dir == "" {
		dir = "."
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return normalise(filepath.Base(dir))
}
