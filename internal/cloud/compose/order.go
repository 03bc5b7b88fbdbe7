package compose

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// atOnce bounds how many services of a project are worked on side by side.
const atOnce = 4

// dependencies are the services that must come before one: what it links to and what it says to depend on.
func dependencies(def store.ProjectService) []string {
	out := slices.Clone(def.DependsOn)
	for _, l := range def.Links {
		target, _ := splitLink(l)
		out = append(out, target)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// splitLink reads service[:alias].
func splitLink(l string) (service, alias string) {
	service, alias, ok := strings.Cut(l, ":")
	if !ok {
		alias = service
	}
	return service, alias
}

// checkOrder says what is wrong with what services depend on: ErrInvalidArgument for what is not there, and for a circle.
func checkOrder(spec store.ProjectSpec) error {
	const (
		open = iota + 1
		closed
	)
	state := map[string]int{}
	var visit func(path []string) error
	visit = func(path []string) error {
		name := path[len(path)-1]
		switch state[name] {
		case closed:
			return nil
		case open:
			return oops.Invalid("Cycle detected in path %s", strings.Join(path[slices.Index(path, name):], "->"))
		}
		state[name] = open
		for _, dep := range dependencies(spec.Services[name]) {
			if _, ok := spec.Services[dep]; !ok {
				return oops.Invalid("service %s links to or depends on service %s, which is not defined", name, dep)
			}
			if err := visit(append(slices.Clone(path), dep)); err != nil {
				return err
			}
		}
		state[name] = closed
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Services)) {
		if err := visit([]string{name}); err != nil {
			return err
		}
	}
	return nil
}

// withDependencies is the set of services and of all that they need.
func withDependencies(spec store.ProjectSpec, services []string) []string {
	seen := map[string]bool{}
	var add func(name string)
	add = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		for _, dep := range dependencies(spec.Services[name]) {
			add(dep)
		}
	}
	for _, name := range services {
		add(name)
	}
	return slices.Sorted(maps.Keys(seen))
}

// inOrder does fn for every service after those that it depends on, or with backwards before them; what is independent goes side by
// side. After an error nothing more is begun, and the first is returned when all that was begun has ended.
func inOrder(spec store.ProjectSpec, services []string, backwards bool, fn func(service string) error) error {
	done := map[string]chan struct{}{}
	before := map[string][]string{}
	for _, name := range services {
		done[name] = make(chan struct{})
	}
	for _, name := range services {
		for _, dep := range dependencies(spec.Services[name]) {
			if done[dep] == nil {
				continue
			}
			if backwards {
				before[dep] = append(before[dep], name)
			} else {
				before[name] = append(before[name], dep)
			}
		}
	}
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		failed error
		slots  = make(chan struct{}, atOnce)
	)
	stopped := func() bool { mu.Lock(); defer mu.Unlock(); return failed != nil }
	for _, name := range services {
		wg.Go(func() {
			defer close(done[name])
			for _, dep := range before[name] {
				<-done[dep]
			}
			slots <- struct{}{}
			defer func() { <-slots }()
			if stopped() {
				return
			}
			if err := fn(name); err != nil {
				mu.Lock()
				defer mu.Unlock()
				if failed == nil {
					failed = err
				}
			}
		})
	}
	wg.Wait()
	return failed
}
