package clouds

import (
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/docker/cli/cli/config/configfile"
)

// Keep runs save, a command of docker/cli that writes config.json in dir, and puts back the keys that library does
// not know: it writes the file from what it has read of it, and would lose the clouds.
func Keep(dir string, save func() error) error {
	path := filepath.Join(dir, "config.json")
	before, err := readKeys(path)
	if err != nil {
		return err
	}
	err = save()
	return errors.Join(err, restore(path, before))
}

func restore(path string, before map[string]json.RawMessage) error {
	after, err := readKeys(path)
	if err != nil {
		return err
	}
	lost := maps.Clone(before)
	maps.DeleteFunc(lost, func(key string, _ json.RawMessage) bool {
		_, there := after[key]
		return there || dockers[strings.ToLower(key)]
	})
	if len(lost) == 0 {
		return nil
	}
	maps.Copy(after, lost)
	return writeKeys(path, after)
}

// dockers are the keys that docker/cli knows. If it drops one of those, it means to.
var dockers = func() map[string]bool {
	known := map[string]bool{}
	t := reflect.TypeFor[configfile.ConfigFile]()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		known[strings.ToLower(name)] = true
	}
	return known
}()
