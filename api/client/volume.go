package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/hypercloud/hyper/api/types"
)

// VolumeCreate makes a volume and returns its name. Other than in Docker's API, where creating twice is creating once,
// a name that is taken is an error (IsConflict).
func (c *Client) VolumeCreate(ctx context.Context, v types.VolumeCreate) (string, error) {
	var created struct{ Name string }
	err := c.call(ctx, http.MethodPost, "/volumes/create", url.Values{"exclusive": {"1"}}, v, &created)
	return created.Name, err
}

// VolumeResize makes a volume as large as gb GB; it cannot be made smaller.
func (c *Client) VolumeResize(ctx context.Context, volume string, gb int) error {
	return c.call(ctx, http.MethodPost, "/volumes/"+url.PathEscape(volume)+"/resize", url.Values{"size": {strconv.Itoa(gb)}}, nil, nil)
}
