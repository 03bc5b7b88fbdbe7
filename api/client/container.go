package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/hypercloud/hyper/api/types"
)

// ContainerRemoveOptions say how a container is removed.
type ContainerRemoveOptions struct {
	// Force kills a running container first.
	Force bool
	// Volumes removes the volumes that came with the container too. Named ones always stay.
	Volumes bool
	// Link removes the link of that name and not the container.
	Link bool
}

// ContainerRemove removes a container and returns a sentence for each volume that it left behind.
func (c *Client) ContainerRemove(ctx context.Context, container string, o ContainerRemoveOptions) ([]string, error) {
	name, err := segment("container", container)
	if err != nil {
		return nil, err
	}
	query := url.Values{"notices": {"1"}}
	for key, on := range map[string]bool{"force": o.Force, "v": o.Volumes, "link": o.Link} {
		if on {
			query.Set(key, "1")
		}
	}
	var notices []string
	err = c.call(ctx, http.MethodDelete, "/containers/"+name, query, nil, &notices)
	return notices, err
}

// ContainerUpdate changes a container's protection and security groups.
func (c *Client) ContainerUpdate(ctx context.Context, container string, update types.ContainerUpdate) error {
	name, err := segment("container", container)
	if err != nil {
		return err
	}
	return c.call(ctx, http.MethodPut, "/containers/"+name, nil, update, nil)
}
