package docker

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"github.com/moby/moby/api/types/container"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/server/rest"
	"github.com/hypercloud/hyper/internal/store"
)

// containerFilters are the filters of a list of containers.
var containerFilters = []string{
	"ancestor", "before", "exited", "expose", "health", "id", "is-task", "isolation", "label", "name", "network",
	"publish", "since", "status", "volume",
}

func (api *API) listContainers(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	filters, err := rest.Filters(r, containerFilters...)
	if err != nil {
		return err
	}
	limit, err := rest.Int(r, "limit", 0)
	if err != nil {
		return err
	}
	for _, key := range []string{"since", "before"} { // older clients name them outside of the filters
		if v := r.Form.Get(key); v != "" {
			if filters == nil {
				filters = map[string][]string{}
			}
			filters[key] = append(filters[key], v)
		}
	}
	opts := cloud.ListOptions{All: rest.Bool(r, "all"), Limit: max(limit, 0), Filters: filters, Size: rest.Bool(r, "size")}
	list, err := api.Containers.List(ctx, a, opts)
	if err != nil {
		return err
	}
	out, err := api.summaries(ctx, a, list, opts.Size)
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

func (api *API) summaries(ctx context.Context, a account.Ref, list []*cloud.Container, size bool) ([]container.Summary, error) {
	volumes, err := api.volumesFor(a, list...)
	if err != nil {
		return nil, err
	}
	out := make([]container.Summary, 0, len(list))
	for _, c := range list {
		out = append(out, api.summary(ctx, a, c, volumes, size))
	}
	return out, nil
}

func (api *API) summary(ctx context.Context, a account.Ref, c *cloud.Container, volumes volumesByID, size bool) container.Summary {
	health := api.Containers.Health(a, c.ID)
	s := container.Summary{
		ID:      c.ID,
		Names:   []string{"/" + c.Name},
		Image:   c.Spec.Image,
		ImageID: c.ImageID,
		Command: commandLine(c.Spec.Args),
		Created: c.CreatedAt.Unix(),
		Ports:   portSummaries(c),
		Labels:  api.Containers.Labels(a, c),
		State:   shownStatus(c),
		Status:  statusText(c, health, now()),
		NetworkSettings: &container.NetworkSettingsSummary{
			Networks: api.endpoints(ctx, a, c),
		},
		Mounts: mountPoints(c, volumes),
	}
	s.HostConfig.NetworkMode = networkMode(c)
	if !rest.Before(ctx, 52) {
		s.Health = &container.HealthSummary{Status: container.NoHealthcheck}
		if health != nil {
			s.Health = &container.HealthSummary{Status: container.HealthStatus(health.Status), FailingStreak: health.FailingStreak}
		}
	}
	if size {
		rw, root := api.sizes(ctx, a, c)
		s.SizeRw, s.SizeRootFs = rw, root
	}
	return s
}

// sizes are the bytes that a container has written, and those with its image's. What cannot be read is 0.
func (api *API) sizes(ctx context.Context, a account.Ref, c *cloud.Container) (rw, root int64) {
	rw, err := api.Containers.SizeRw(ctx, a, c.ID)
	if err != nil {
		api.Log.Debug("reading the size of a container", "container", c.ID, "error", err)
	}
	root = rw
	if img, err := api.Images.Find(a, c.ImageID); err == nil {
		root += img.Size
	}
	return rw, root
}

// volumesByID are the account's volumes by the ids that mounts name them by.
type volumesByID map[string]*store.Volume

// volumesFor reads the account's volumes, if one of the containers has any.
func (api *API) volumesFor(a account.Ref, list ...*cloud.Container) (volumesByID, error) {
	for _, c := range list {
		if len(c.Spec.Mounts) == 0 {
			continue
		}
		volumes, err := api.Volumes.List(a, nil)
		if err != nil {
			return nil, err
		}
		byID := make(volumesByID, len(volumes))
		for _, v := range volumes {
			byID[v.ID] = v
		}
		return byID, nil
	}
	return nil, nil
}

// commandLine shows a command as Docker does: arguments with blanks in them are quoted.
func commandLine(args []string) string {
	shown := make([]string, len(args))
	for i, a := range args {
		if i > 0 && strings.Contains(a, " ") {
			a = "'" + a + "'"
		}
		shown[i] = a
	}
	return strings.Join(shown, " ")
}

// anyAddress is what a published port is shown to be bound to: it is open on the container's floating IP, if it has one.
var anyAddress = netip.IPv4Unspecified()

// portSummaries lists the published ports (and only those, cli 3.3) of a container that lives.
func portSummaries(c *cloud.Container) []container.PortSummary {
	out := []container.PortSummary{}
	if !c.State.Status.Live() {
		return out
	}
	for _, p := range c.Spec.Published {
		out = append(out, container.PortSummary{IP: anyAddress, PrivatePort: p.Number, PublicPort: p.Public, Type: p.Proto})
	}
	return out
}
