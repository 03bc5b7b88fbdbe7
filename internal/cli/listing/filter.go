package listing

import (
	"errors"
	"strings"

	dockerclient "github.com/moby/moby/client"
)

// Filter is the value of -f name=value, which may be given several times.
type Filter struct{ values dockerclient.Filters }

// String is the default that help shows.
func (f *Filter) String() string { return "" }

// Type is the placeholder that help shows.
func (f *Filter) Type() string { return "filter" }

// Set takes one name=value.
func (f *Filter) Set(s string) error {
	if s == "" {
		return nil
	}
	name, value, ok := strings.Cut(s, "=")
	name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
	if !ok || name == "" {
		return errors.New("bad format of filter (expected name=value)")
	}
	if f.values == nil {
		f.values = dockerclient.Filters{}
	}
	f.values.Add(name, value)
	return nil
}

// Values are the filters for a request; nil when there are none.
func (f *Filter) Values() dockerclient.Filters { return f.values }

// Sets are the filters as lists.
func (f *Filter) Sets() map[string][]string {
	if len(f.values) == 0 {
		return nil
	}
	sets := map[string][]string{}
	for name, values := range f.values {
		for v := range values {
			sets[name] = append(sets[name], v)
		}
	}
	return sets
}
