package compose

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sirupsen/logrus"
)

// labelSources holds, one a line, the volumes of a service that begin with the files of an address. The library takes an address for something
// else, so they go around it.
const labelSources = "sh.hyper.compose.sources"

// convert says in today's words what the file says. Its containers are in the account's own network, as the original's were, where links
// are what they always were.
func (o *original) convert() (map[string]any, error) {
	services := map[string]any{}
	volumes := map[string]any{}
	for name, v := range o.volumes {
		volume, _ := v.(map[string]any)
		volume = maps.Clone(volume)
		if volume == nil {
			volume = map[string]any{}
		}
		if volume["name"] == nil && !isMapping(volume["external"]) {
			volume["name"] = name // not the project's name and this one's
		}
		volumes[name] = volume
	}
	for _, name := range slices.Sorted(maps.Keys(o.services)) {
		from, _ := o.services[name].(map[string]any)
		services[name] = o.service(name, from, volumes)
	}
	return map[string]any{"services": services, "volumes": volumes}, nil
}

func isMapping(v any) bool {
	_, ok := v.(map[string]any)
	return ok
}

func (o *original) service(name string, from, volumes map[string]any) map[string]any {
	to := map[string]any{"network_mode": "bridge"}
	for _, key := range slices.Sorted(maps.Keys(from)) {
		value := from[key]
		if value == nil {
			continue
		}
		if o.fate(key) == ignored {
			logrus.Warnf("service %s: '%s' is ignored in a file of version %d", name, key, o.version)
			continue
		}
		switch {
		case key == "extends" && !isMapping(value):
			continue
		case key == "volumes":
			o.volumesOf(to, value.([]any), volumes)
			continue
		case key == "ports" || key == "expose":
			value = texts(value.([]any))
		case key == "restart":
			value = fmt.Sprint(value)
		}
		to[key] = value
	}
	if needed := o.needs(from); needed != nil {
		to["depends_on"] = needed
	}
	if to["image"] == nil && to["extends"] == nil {
		to["image"] = o.project + "_" + name
	}
	return to
}

// needs are the services that come up before: those of depends_on, and those of links. What is replaced among them is no reason to restart, since
// the links follow.
func (o *original) needs(from map[string]any) map[string]any {
	var out map[string]any
	for _, key := range []string{"links", "depends_on"} {
		list, _ := from[key].([]any)
		for _, item := range list {
			name, _, _ := strings.Cut(fmt.Sprint(item), ":")
			if out == nil {
				out = map[string]any{}
			}
			out[name] = map[string]any{"condition": "service_started", "restart": false, "required": true}
		}
	}
	return out
}

// texts are values that a file may have as numbers.
func texts(values []any) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = fmt.Sprint(v)
	}
	return out
}

// volumesOf sorts the volumes of a service: paths, declared and other names, and addresses.
func (o *original) volumesOf(to map[string]any, list []any, volumes map[string]any) {
	var mounts []any
	var sources []string
	for _, item := range list {
		text := fmt.Sprint(item)
		source, path, named := strings.Cut(text, ":")
		switch {
		case isAddress(text):
			sources = append(sources, text)
			continue
		case named && !strings.HasPrefix(source, "/") && !strings.HasPrefix(source, ".") && !strings.HasPrefix(source, "~") && strings.HasPrefix(path, "/"):
			if volumes[source] == nil { // It is the account's, and made where it is not there.
				volumes[source] = map[string]any{"name": source}
			}
		}
		mounts = append(mounts, text)
	}
	if mounts != nil {
		to["volumes"] = mounts
	}
	if sources != nil {
		to[extension] = map[string]any{"x-sources": strings.Join(sources, "\n")}
	}
}

func isAddress(source string) bool {
	return strings.HasPrefix(source, "http://") || strings.HasPrefix(source, "https://") || strings.HasPrefix(source, "git://")
}
