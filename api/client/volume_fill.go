package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/hypercloud/hyper/api/types"
)

// VolumeInitialize fills new volumes. Those whose sources are addresses are filled when it returns; for the others the files are to be sent by VolumeSend,
// and then VolumeFinish called.
func (c *Client) VolumeInitialize(ctx context.Context, volumes []types.VolumeSource) (types.VolumeUpload, error) {
	in := struct {
		Reload bool
		Volume []types.VolumeSource
	}{Volume: volumes}
	var out types.VolumeUpload
	err := c.call(ctx, http.MethodPost, "/volumes/initialize", nil, in, &out)
	return out, err
}

// VolumeSend sends a tar with the files for a volume. It goes the way of all other calls, whatever host the uploader names.
func (c *Client) VolumeSend(ctx context.Context, uploader, cookie string, archive io.Reader) error {
	u, err := url.Parse(uploader)
	if err != nil {
		return fmt.Errorf("the server wants files at %q: %w", uploader, err)
	}
	resp, err := c.open(ctx, u.EscapedPath(), url.Values{"cookie": {cookie}}, http.Header{"Content-Type": {"application/x-tar"}}, archive)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// VolumeFinish ends an upload. Without an error the files of all its volumes are in place.
func (c *Client) VolumeFinish(ctx context.Context, session string) error {
	return c.call(ctx, http.MethodPut, "/volumes/uploadfinish", url.Values{"session": {session}}, nil, nil)
}

// VolumeExport is what is in a volume, as a tar. The caller closes it.
func (c *Client) VolumeExport(ctx context.Context, volume string) (io.ReadCloser, error) {
	resp, err := c.stream(ctx, http.MethodGet, "/volumes/"+url.PathEscape(volume)+"/export", nil, nil, nil)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// VolumeRemove destroys a volume and its data.
func (c *Client) VolumeRemove(ctx context.Context, volume string) error {
	return c.call(ctx, http.MethodDelete, "/volumes/"+url.PathEscape(volume), nil, nil, nil)
}
