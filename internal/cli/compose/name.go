package compose

import (
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"

	"github.com/hypercloud/hyper/internal/projectname"
)

// envName is the environment variable that names the project.
const envName = "COMPOSE_PROJECT_NAME"

// nameOf chooses the project's name: -p, then the environment, then what a file says, then the working directory's.
func (p *project) nameOf(files [][]byte) (string, error) {
	if p.name != "" {
		return projectname.Normalise(p.name)
	}
	if name := os.Getenv(envName); name != "" {
		return projectname.Normalise(name)
	}
	for i := len(files) - 1; i >= 0; i-- {
		var named struct {
			Name string `yaml:"name"`
		}
		if yaml.Unmarshal(files[i], &named) == nil && named.Name != "" {
			return projectname.Normalise(os.ExpandEnv(named.Name))
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
	return projectname.Normalise(filepath.Base(dir))
}
