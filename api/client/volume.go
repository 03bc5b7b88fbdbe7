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

// VolumeUsage tells how many bytes each volume takes on the server's disk, by name.
func (c *Client) VolumeUsage(ctx context.Context) (map[string]int64, error) {
	var list struct {
		Volumes []struct {
			Name      string
			UsageData struct{ Size int64 }
		}
	}
	if err := c.call(ctx, http.MethodGet, "/volumes", url.Values{"usage": {"1"}}, nil, &list); err != nil {
		return nil, err
	}
	out := map[string]int64{}
	for _, v := range list.Volumes {
		out[v.Name] = v.UsageData.Size
	}
	return out, nil
}
