package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// ImageDiff tells how many layers of an image, the lowest first, the account has already. layers are digests of unpacked layers.
func (c *Client) ImageDiff(ctx context.Context, layers, repoTags []string) (int, error) {
	in := struct {
		Layers   [][]string `json:"layers"`
		RepoTags [][]string `json:"repoTags"`
	}{[][]string{layers}, [][]string{repoTags}}
	var out struct {
		ExistLayers []string `json:"existLayers"`
	}
	err := c.call(ctx, http.MethodPost, "/images/diff", nil, in, &out)
	return len(out.ExistLayers), err
}

// ImageLoadURL makes the server load an archive of images that it gets from a URL. The answer is a stream of messages, as docker's; it must be
// closed.
func (c *Client) ImageLoadURL(ctx context.Context, source string, quiet bool) (io.ReadCloser, error) {
	body, err := json.Marshal(struct {
		FromSrc string `json:"fromSrc"`
		Quiet   bool   `json:"quiet"`
	}{source, quiet})
	if err != nil {
		return nil, err
	}
	resp, err := c.open(ctx, "/images/load", nil, http.Header{"Content-Type": {"application/json"}}, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// ImageUpload is an archive on its way, and then the messages about it.
type ImageUpload struct {
	io.ReadWriteCloser
}

// ImageUpload begins to load an archive of size bytes. Exactly so many must be written; then the messages are read until they end. It must be
// closed.
func (c *Client) ImageUpload(ctx context.Context, size int64, quiet bool) (*ImageUpload, error) {
	query := url.Values{"file": {"true"}, "quiet": {strconv.FormatBool(quiet)}}
	header := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"tcp"}, "X-Hyper-Content-Length": {strconv.FormatInt(size, 10)}}
	resp, err := c.open(ctx, "/images/load", query, header, nil)
	if err != nil {
		return nil, err
	}
	stream, ok := resp.Body.(io.ReadWriteCloser)
	if !ok || resp.StatusCode != http.StatusSwitchingProtocols {
		resp.Body.Close()
		return nil, errors.New("the server does not take archives on the connection")
	}
	return &ImageUpload{stream}, nil
}

// open sends one POST and returns an answer whose body is read later.
func (c *Client) open(ctx context.Context, path string, query url.Values, header http.Header, body io.Reader) (*http.Response, error) {
	return c.stream(ctx, http.MethodPost, path, query, header, body)
}

// stream makes a call whose bodies are read and written as they come. Names of things in path are escaped already.
func (c *Client) stream(ctx context.Context, method, path string, query url.Values, header http.Header, body io.Reader) (*http.Response, error) {
	u := c.base
	plain, err := url.PathUnescape(path)
	if err != nil {
		return nil, fmt.Errorf("make the request's path: %w", err)
	}
	u.Path, u.RawPath = c.base.Path+plain, c.base.EscapedPath()+path
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	for _, h := range []http.Header{c.header, header} {
		for k, v := range h {
			req.Header[k] = v
		}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &connectionError{host: c.host, cause: err}
	}
	if resp.StatusCode >= http.StatusBadRequest {
		defer resp.Body.Close()
		text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		if err != nil {
			return nil, fmt.Errorf("read the server's answer: %w", err)
		}
		return nil, newError(resp, text)
	}
	return resp, nil
}
