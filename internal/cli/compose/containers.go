package compose

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// containers are those of the project, by their names; those of "run" too when they are wanted.
func (p *project) containers(ctx context.Context, name string, services []string, oneOff bool) ([]container.Summary, error) {
	f := make(client.Filters).Add("label", api.ProjectLabel+"="+name)
	if !oneOff {
		f = f.Add("label", api.OneoffLabel+"=False")
	}
	list, err := p.session.Docker().ContainerList(ctx, client.ContainerListOptions{All: true, Filters: f})
	if err != nil {
		return nil, err
	}
	if err := known(list.Items, services); err != nil {
		return nil, err
	}
	out := slices.DeleteFunc(list.Items, func(c container.Summary) bool {
		return len(services) > 0 && !slices.Contains(services, c.Labels[api.ServiceLabel])
	})
	slices.SortFunc(out, func(a, b container.Summary) int {
		return cmp.Or(cmp.Compare(a.Labels[api.ServiceLabel], b.Labels[api.ServiceLabel]), cmp.Compare(number(a), number(b)), cmp.Compare(nameOf(a), nameOf(b)))
	})
	return out, nil
}

// known refuses services of which there is no container.
func known(list []container.Summary, services []string) error {
	for _, s := range services {
		if !slices.ContainsFunc(list, func(c container.Summary) bool { return c.Labels[api.ServiceLabel] == s }) {
			return fmt.Errorf("No such service: %s", s)
		}
	}
	return nil
}

// first are the first containers of the project's services.
func (p *project) first(ctx context.Context, name string) (map[string]container.Summary, error) {
	list, err := p.containers(ctx, name, nil, false)
	if err != nil {
		return nil, err
	}
	out := map[string]container.Summary{}
	for _, c := range list {
		if number(c) == 1 {
			out[c.Labels[api.ServiceLabel]] = c
		}
	}
	return out, nil
}

func number(c container.Summary) int {
	n, _ := strconv.Atoi(c.Labels[api.ContainerNumberLabel])
	return n
}

func nameOf(c container.Summary) string {
	if len(c.Names) == 0 {
		return c.ID
	}
	return strings.TrimPrefix(c.Names[0], "/")
}

// servicesOf are the services that the containers belong to.
func servicesOf(list []container.Summary) []string {
	set := map[string]bool{}
	for _, c := range list {
		set[c.Labels[api.ServiceLabel]] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// noProject is the error about a project of which there is nothing.
func noProject(name string) error { return fmt.Errorf("No such compose project: %s", name) }

// shortName is a container's name without the project's, as it stands before the lines of its log.
func shortName(project string, c container.Summary) string {
	return strings.TrimPrefix(nameOf(c), project+api.Separator)
}
