// Package client calls what Hyper's server offers beyond the Docker Engine API: floating IPs, the notices of a
// removed container, protection and security groups. For the rest use github.com/moby/moby/client with the same
// address.
//
// There is one file per group of calls. Every method returns errors that are classed for
// github.com/containerd/errdefs (IsNotFound, IsConflict, ...); IsConnectionFailed tells an unreachable server.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/containerd/errdefs"
)

// DefaultHost is where hyperd listens when nothing else is configured.
const DefaultHost = "unix:///run/hyper/hyper.sock"

// maxAnswer bounds what is read of one answer, so that a broken server cannot fill the client's memory.
const maxAnswer = 64 << 20

// Client talks to one server. It may be used from several goroutines.
type Client struct {
	host   string
	base   url.URL
	http   *http.Client
	header http.Header
}

// Option changes how a Client is made.
type Option func(*Client)

// WithHeaders adds headers to every request.
func WithHeaders(headers map[string]string) Option {
	return func(c *Client) {
		for k, v := range headers {
			c.header.Set(k, v)
		}
	}
}

// WithUserAgent sets the User-Agent of every request.
func WithUserAgent(ua string) Option {
	return func(c *Client) { c.header.Set("User-Agent", ua) }
}

// WithHTTPClient replaces the HTTP client, for example by one with TLS of its own.
func WithHTTPClient(h *http.Client) Option {
	return func(c *Client) { c.http = h }
}

// New returns a client of the server at host: unix:///path, tcp://host:port, http://... or https://....
// No connection is made yet.
func New(host string, opts ...Option) (*Client, error) {
	if host == "" {
		host = DefaultHost
	}
	u, err := url.Parse(host)
	if err != nil {
		return nil, fmt.Errorf("parse the server's address %q: %w", host, err)
	}
	dialer := &net.Dialer{Timeout: 30 * time.Second}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, MaxIdleConns: 4, IdleConnTimeout: time.Minute}
	c := &Client{host: host, http: &http.Client{Transport: transport}, header: http.Header{}}
	switch u.Scheme {
	case "unix":
		path := u.Path
		if path == "" {
			return nil, fmt.Errorf("the server's address %q has no path", host)
		}
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", path)
		}
		c.base = url.URL{Scheme: "http", Host: "hyper"}
	case "tcp", "http":
		c.base = url.URL{Scheme: "http", Host: u.Host, Path: strings.TrimSuffix(u.Path, "/")}
	case "https":
		c.base = url.URL{Scheme: "https", Host: u.Host, Path: strings.TrimSuffix(u.Path, "/")}
	default:
		return nil, fmt.Errorf("the server's address %q needs one of the schemes unix, tcp, http, https", host)
	}
	if u.Scheme != "unix" && u.Host == "" {
		return nil, fmt.Errorf("the server's address %q has no host", host)
	}
	for _, o := range opts {
		o(c)
	}
	return c, nil
}

// Host is the address that the client was made with.
func (c *Client) Host() string { return c.host }

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// call sends one request and decodes a JSON answer into out. A nil out, and an answer without a body, decode nothing.
// Names of things in path are escaped already (see segment).
func (c *Client) call(ctx context.Context, method, path string, query url.Values, body, out any) error {
	u := c.base
	plain, err := url.PathUnescape(path)
	if err != nil {
		return fmt.Errorf("make the request's path: %w", err)
	}
	u.Path, u.RawPath = c.base.Path+plain, c.base.EscapedPath()+path
	u.RawQuery = query.Encode()

	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode the request: %w", err)
		}
		content = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), content)
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	for k, v := range c.header {
		req.Header[k] = v
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &connectionError{host: c.host, cause: err}
	}
	defer resp.Body.Close()

	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return newError(resp, b)
	}
	if out == nil || len(bytes.TrimSpace(b)) == 0 {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("decode the server's answer to %s %s: %w", method, path, err)
	}
	return nil
}

// segment makes a name that a user typed one segment of a path. One leading slash, as inspect shows it, is dropped.
func segment(kind, name string) (string, error) {
	name = strings.TrimPrefix(name, "/")
	if name == "" || name == "." || name == ".." {
		return "", fmt.Errorf("%q is not the name of a %s: %w", name, kind, errdefs.ErrInvalidArgument)
	}
	return url.PathEscape(name), nil
}
