package compose

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"
)

// notExtended are the keys of services that no other can extend, since what they name is the other file's.
var notExtended = []string{"links", "volumes_from"}

// checkExtends looks for the service that another one extends. The library puts the two together.
func (o *original) checkExtends(name string, service map[string]any) {
	extends, ok := service["extends"].(map[string]any)
	if !ok {
		return
	}
	of := fmt.Sprint(extends["service"])
	file, services := o.path, o.services
	if other, ok := extends["file"].(string); ok {
		file = other
		if !filepath.IsAbs(file) && o.path != stdin {
			file = filepath.Join(filepath.Dir(o.path), file)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			o.problemf("Failed to find the compose file: %s", other)
			return
		}
		var tree map[string]any
		if err := yaml.Unmarshal(text, &tree); err != nil {
			o.problemf("%s: %v", other, err)
			return
		}
		if services, ok = tree["services"].(map[string]any); !ok {
			services = tree
		}
	}
	base, ok := services[of].(map[string]any)
	if !ok {
		o.problemf("Failed to find service %s to extend", of)
		return
	}
	for _, key := range notExtended {
		if base[key] != nil {
			o.problemf("Cannot extend service '%s' in %s: services with '%s' cannot be extended", of, file, key)
		}
	}
}
