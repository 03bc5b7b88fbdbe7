package container

import (
	"slices"
	"strings"
)

// environ are variables in the order in which they were first set. Finding one takes the same time however many there are: a stranger
// decides how many.
type environ struct {
	vars []string // NAME=VALUE; "" where one was taken away
	at   map[string]int
}

func newEnviron(vars []string) *environ {
	e := &environ{vars: slices.Clone(vars), at: make(map[string]int, len(vars))}
	for i, kv := range vars {
		name, _, _ := strings.Cut(kv, "=")
		if _, twice := e.at[name]; !twice { // the first one counts, as for whoever looks a name up
			e.at[name] = i
		}
	}
	return e
}

func (e *environ) set(kv string) {
	name, _, _ := strings.Cut(kv, "=")
	if i, ok := e.at[name]; ok {
		e.vars[i] = kv
		return
	}
	e.at[name] = len(e.vars)
	e.vars = append(e.vars, kv)
}

func (e *environ) unset(name string) {
	if i, ok := e.at[name]; ok {
		e.vars[i] = ""
		delete(e.at, name)
	}
}

func (e *environ) list() []string {
	return slices.DeleteFunc(slices.Clone(e.vars), func(kv string) bool { return kv == "" })
}
