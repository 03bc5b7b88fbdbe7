package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/hypercloud/hyper/api/types"
)

// VolumeCreate makes a volume and returns its name. Other than in Docker's API, where creating twice is creating once,
// a name that is taken is an error (IsConflict).
func (c *Client) VolumeCreate(ctx context.Context, v types.VolumeCreate) (string, error) {
	var created struct{ Name string }
	err := c.call(ctx, http.MethodPost, "/volumes/create", url.Values{"exclusive": {"1"}}, v, &created)
	return created.Name, err
}
