package compose

import (
	"context"
	"strings"
	"sync"

	"github.com/docker/cli/cli/command"
	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// The labels by which the original's programs, and the server on their behalf, know a project's containers, with those of docker compose that
// say the same.
var labels = map[string]string{
	"sh.hyper.compose.project":          api.ProjectLabel,
	"sh.hyper.compose.service":          api.ServiceLabel,
	"sh.hyper.compose.container-number": api.ContainerNumberLabel,
	"sh.hyper.compose.oneoff":           api.OneoffLabel,
	"sh.hyper.compose.config-hash":      api.ConfigHashLabel,
}

const (
	labelVersion  = "sh.hyper.compose.version"
	formatVersion = "1.5.0"
	labelAddress  = "sh.hyper.fip" // the address that a container has
)

// connected is docker/cli as the library sees it: all but the way to the server is the session's.
type connected struct {
	command.Cli
	engine *engine
}

func (c connected) Client() client.APIClient { return c.engine }

// engine is the Docker API as the library sees it. It adds to requests what the library does not know of.
type engine struct {
	client.APIClient

	mu     sync.Mutex
	attach map[string]string // by a container's id: the floating IP that it gets once it runs
	give   func(ctx context.Context, fip, container string) error
	now    *int // seconds that every stop is given from now on
}

func newEngine(to client.APIClient) *engine {
	return &engine{APIClient: to, attach: map[string]string{}}
}

// ContainerCreate makes a container with the labels of the original's, without more links than the original's, and with no floating IP
// but for the first container of a service.
func (e *engine) ContainerCreate(ctx context.Context, o client.ContainerCreateOptions) (client.ContainerCreateResult, error) {
	if o.Config != nil && o.Config.Labels[api.ProjectLabel] != "" {
		adapt(o.Config, o.HostConfig)
	}
	return e.APIClient.ContainerCreate(ctx, o)
}

func adapt(c *container.Config, h *container.HostConfig) {
	for ours, theirs := range labels {
		if v, ok := c.Labels[theirs]; ok {
			c.Labels[ours] = v
		}
	}
	c.Labels[labelVersion] = formatVersion
	if n := c.Labels[api.ContainerNumberLabel]; n != "1" || c.Labels[api.OneoffLabel] == "True" {
		delete(c.Labels, labelFIP)
	}
	if h == nil {
		return
	}
	for source := range strings.Lines(c.Labels[labelSources]) {
		h.Binds = append(h.Binds, strings.TrimSpace(source))
	}
	h.Links = originalLinks(c.Labels[api.ProjectLabel], h.Links)
}

// originalLinks drops the links by <service>-<number>: the original's containers knew others by the alias and by the container's name.
func originalLinks(project string, links []string) []string {
	var out []string
	for _, l := range links {
		target, alias, _ := strings.Cut(l, ":")
		if target != project+api.Separator+alias {
			out = append(out, l)
		}
	}
	return out
}

// ContainerStart starts a container, and gives it the floating IP that was found for it.
func (e *engine) ContainerStart(ctx context.Context, id string, o client.ContainerStartOptions) (client.ContainerStartResult, error) {
	out, err := e.APIClient.ContainerStart(ctx, id, o)
	if err != nil {
		return out, err
	}
	e.mu.Lock()
	fip, give := e.attach[id], e.give
	delete(e.attach, id)
	e.mu.Unlock()
	if fip != "" {
		return out, give(ctx, fip, id)
	}
	return out, nil
}

// ContainerStop stops a container; in a hurry when the user wants to be gone.
func (e *engine) ContainerStop(ctx context.Context, id string, o client.ContainerStopOptions) (client.ContainerStopResult, error) {
	e.mu.Lock()
	if e.now != nil {
		o.Timeout = e.now
	}
	e.mu.Unlock()
	return e.APIClient.ContainerStop(ctx, id, o)
}

// hurry gives every stop from now on so many seconds.
func (e *engine) hurry(seconds int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now = &seconds
}
