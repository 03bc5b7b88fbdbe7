package compose

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Files of the original client: those of version '2', and those of version 1, which have no version and no sections (behaviour 12.3). What
// they say is checked as a whole, so that all that is wrong with a file is reported at once, and then said in today's words (convert.go).

// kind is what the value of a key may be.
type kind int

const (
	anything kind = iota
	aString
	aBoolean
	aList     // without the same thing twice
	aMapping  // another kind is as if it were not there
	aSentence // a string that is split as a shell would, or a list
	pairs     // a list of K=V, or a mapping
)

// fate is what becomes of a key.
type fate int

const (
	refused fate = iota
	ignored      // without a meaning, and with a warning
	honoured
)

// rule is what becomes of a key of a service, by the version of the file.
type rule struct {
	kind   kind
	v2, v1 fate
}

// rules are those of behaviour 12.3. A key that is not there is refused.
var rules = map[string]rule{
	"image":           {aString, honoured, honoured},
	"command":         {aSentence, honoured, honoured},
	"entrypoint":      {aSentence, honoured, honoured},
	"container_name":  {aString, honoured, honoured},
	"depends_on":      {aList, honoured, refused},
	"links":           {aList, honoured, honoured},
	"external_links":  {aList, honoured, honoured},
	"environment":     {pairs, honoured, honoured},
	"env_file":        {aList, honoured, honoured},
	"extends":         {aMapping, honoured, honoured},
	"expose":          {aList, honoured, ignored},
	"ports":           {aList, honoured, ignored},
	"hostname":        {aString, honoured, honoured},
	"domainname":      {aString, honoured, honoured},
	"labels":          {pairs, honoured, honoured},
	"restart":         {aString, honoured, honoured},
	"stdin_open":      {aBoolean, honoured, honoured},
	"tty":             {aBoolean, honoured, honoured},
	"working_dir":     {aString, honoured, honoured},
	"volumes":         {aList, honoured, honoured},
	"size":            {aString, honoured, honoured},
	"fip":             {aString, honoured, honoured},
	"security_groups": {aList, honoured, honoured},
	"noauto_volume":   {aBoolean, honoured, honoured},
	"stop_signal":     {aString, honoured, honoured},
	"cap_add":         {aList, ignored, ignored},
	"cap_drop":        {aList, ignored, ignored},
	"cgroup_parent":   {aString, ignored, ignored},
	"cpu_shares":      {anything, ignored, ignored},
	"cpu_quota":       {anything, ignored, ignored},
	"cpuset":          {aString, ignored, ignored},
	"dns":             {anything, ignored, ignored},
	"dns_search":      {anything, ignored, ignored},
	"mem_limit":       {anything, ignored, ignored},
	"memswap_limit":   {anything, ignored, ignored},
	"user":            {anything, ignored, ignored},
	"network_mode":    {aString, ignored, refused},
	"networks":        {anything, ignored, refused},
}

// meant are keys that people type for others.
var meant = map[string]string{"link": "links", "port": "ports", "volume": "volumes", "workdir": "working_dir", "expose_ports": "expose", "env": "environment"}

var serviceName = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)

// original is a file of the original client's.
type original struct {
	path     string
	version  int
	project  string
	services map[string]any
	volumes  map[string]any
	problems []string
}

// readOriginal converts a file of the original client's. It returns nil for a file of today's.
func readOriginal(path string, content []byte, project string) (map[string]any, error) {
	var tree map[string]any
	if err := yaml.Unmarshal(content, &tree); err != nil || len(tree) == 0 {
		return nil, nil // The library has the better words for what is no YAML.
	}
	o := &original{path: path, project: project}
	switch {
	case fmt.Sprint(tree["version"]) == "2":
		o.version = 2
		o.services = section(o, tree, "services")
		o.volumes = section(o, tree, "volumes")
		for _, key := range slices.Sorted(maps.Keys(tree)) {
			if !slices.Contains([]string{"version", "services", "volumes", "networks"}, key) && !strings.HasPrefix(key, "x-") {
				o.problemf("Unsupported config option: '%s'", key)
			}
		}
	case isVersion1(tree):
		o.version, o.services = 1, tree
	default:
		return nil, nil
	}
	o.check()
	if len(o.problems) > 0 {
		return nil, errors.New(strings.Join(o.problems, "\n"))
	}
	return o.convert()
}

// isVersion1 tells a file that has services and no sections: each key is a service, which has an image or extends another.
func isVersion1(tree map[string]any) bool {
	for _, key := range []string{"version", "services", "include", "name"} {
		if _, ok := tree[key]; ok {
			return false
		}
	}
	for _, value := range tree {
		service, ok := value.(map[string]any)
		if !ok {
			return false
		}
		for _, key := range []string{"image", "build", "extends"} {
			if _, ok := service[key]; ok {
				return true
			}
		}
	}
	return false
}

func section(o *original, tree map[string]any, name string) map[string]any {
	m, ok := tree[name].(map[string]any)
	if tree[name] != nil && !ok {
		o.problemf("Top level object '%s' needs to be a mapping", name)
	}
	return m
}

func (o *original) problemf(format string, args ...any) {
	o.problems = append(o.problems, fmt.Sprintf(format, args...))
}

func (o *original) check() {
	for _, name := range slices.Sorted(maps.Keys(o.services)) {
		if !serviceName.MatchString(name) {
			o.problemf(`Invalid service name '%s' - only [a-zA-Z0-9\._\-] characters are allowed`, name)
			continue
		}
		service, ok := o.services[name].(map[string]any)
		if !ok {
			o.problemf("Service '%s' doesn't have any configuration options", name)
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(service)) {
			o.checkKey(name, key, service[key])
		}
		if o.version == 1 && service["image"] == nil && service["extends"] == nil {
			o.problemf("Service '%s' has neither an image nor a build path specified. Exactly one must be provided.", name)
		}
		o.checkExtends(name, service)
	}
}

func (o *original) fate(key string) fate {
	r := rules[key]
	if o.version == 1 {
		return r.v1
	}
	return r.v2
}

func (o *original) checkKey(service, key string, value any) {
	if strings.HasPrefix(key, "x-") {
		return
	}
	if o.fate(key) == refused {
		o.problems = append(o.problems, unsupported(service, key).Error())
		return
	}
	if value == nil {
		return
	}
	if wanted := wrongKind(rules[key].kind, value); wanted != "" {
		o.problemf("Service '%s' configuration key '%s' contains an invalid type, it should be %s.", service, key, wanted)
		return
	}
	if items, ok := value.([]any); ok && rules[key].kind == aList {
		seen := map[string]bool{}
		for _, item := range items {
			if text := fmt.Sprint(item); seen[text] {
				o.problemf("Service '%s' configuration key '%s' value %v has non-unique elements", service, key, items)
				return
			}
			seen[fmt.Sprint(item)] = true
		}
	}
	if entries, ok := value.(map[string]any); ok && rules[key].kind == pairs {
		for _, k := range slices.Sorted(maps.Keys(entries)) {
			if _, boolean := entries[k].(bool); boolean {
				o.problemf("Service '%s' configuration key '%s' contains %v, which is an invalid type, it should be a string, number, or a null", service, key, entries[k])
			}
		}
	}
}

// unsupported is the error about a key that a service cannot have.
func unsupported(service, key string) error {
	text := fmt.Sprintf("Unsupported config option for %s service: '%s'", service, key)
	if m := meant[key]; m != "" {
		text += fmt.Sprintf(" (did you mean '%s'?)", m)
	}
	return errors.New(text)
}

// wrongKind says what a value should be, if it is not.
func wrongKind(k kind, value any) string {
	_, text := value.(string)
	_, list := value.([]any)
	_, mapping := value.(map[string]any)
	_, boolean := value.(bool)
	switch {
	case k == aString && (list || mapping || boolean):
		return "a string"
	case k == aBoolean && !boolean:
		return "a boolean"
	case k == aList && !list:
		return "an array"
	case k == aSentence && !list && !text:
		return "a string or an array"
	case k == pairs && !list && !mapping:
		return "an array or an object"
	}
	return ""
}
