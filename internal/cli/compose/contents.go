package compose

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
)

// maxContent is how large a secret or a config may be: as in Docker's swarm, 500 kB.
const maxContent = 500 << 10

// sendContents makes secrets and configs that are files here such as are sent: the library would mount the files, which are not where the
// containers are. It copies into a container what comes from the environment, and so the contents go there, under a name that nobody has.
func sendContents(project *types.Project) error {
	for _, name := range slices.Sorted(maps.Keys(project.Secrets)) {
		secret := project.Secrets[name]
		if secret.File == "" {
			continue
		}
		variable, err := send(project, "secret", name, secret.File)
		if err != nil {
			return err
		}
		secret.File, secret.Environment = "", variable
		project.Secrets[name] = secret
	}
	for _, name := range slices.Sorted(maps.Keys(project.Configs)) {
		config := project.Configs[name]
		if config.File == "" {
			continue
		}
		variable, err := send(project, "config", name, config.File)
		if err != nil {
			return err
		}
		config.File, config.Environment = "", variable
		project.Configs[name] = config
	}
	return nil
}

func send(project *types.Project, kind, name, file string) (variable string, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", kind, name, err)
	}
	if info.IsDir() || info.Size() > maxContent {
		return "", fmt.Errorf("%s %s: %s is no file of up to 500 kB: put it on a volume ('hyper volume init')", kind, name, file)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", kind, name, err)
	}
	variable = " " + kind + " " + name // No variable of the user's has a blank in its name.
	if project.Environment == nil {
		project.Environment = types.Mapping{}
	}
	project.Environment[variable] = string(content)
	return variable, nil
}
