// Package fetch gets what is at a URL that a tenant names.
//
// Such a URL is hostile: hyperd would ask from where it stands, which is inside what the operator protects. So a name is looked up here, and
// a connection is made to an address that was looked at, and to no other: neither this machine nor a private network, nor what is
// special (see refused), unless the operator allows it. A redirect is another such URL. No proxy is used, since it would look up names by
// itself. How long an answer takes to begin, and how long it may pause, is bounded; its size is up to who reads it.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/version"
)

// Config is what a Client is made of.
type Config struct {
	// Allow are addresses that may be asked although they would be refused.
	Allow []netip.Prefix
	// Deny are addresses that are refused in any case: those that the platform uses itself.
	Deny []netip.Prefix
	// Answer bounds the time until an answer begins, Idle that without a byte of it, and Whole all of it. Defaults: 30 s, 60 s, 2 h.
	Answer, Idle, Whole time.Duration
	// Lookup finds the addresses of a name; nil is the machine's resolver.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
}

// Client fetches.
type Client struct {
	Config
	http *http.Client
}

// maxRedirects is how many redirects are followed.
const maxRedirects = 10

// New returns a Client.
func New(c Config) *Client {
	if c.Answer == 0 {
		c.Answer = 30 * time.Second
	}
	if c.Idle == 0 {
		c.Idle = time.Minute
	}
	if c.Whole == 0 {
		c.Whole = 2 * time.Hour
	}
	if c.Lookup == nil {
		c.Lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	f := &Client{Config: c}
	f.http = &http.Client{
		Transport: &http.Transport{
			DialContext:            f.dial,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    c.Answer,
			ResponseHeaderTimeout:  c.Answer,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true,
			DisableKeepAlives:      true, // another account's connection is not to be used again
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return fmt.Errorf("more than %d redirects", maxRedirects)
			}
			return checkScheme(req.URL)
		},
	}
	return f
}

// File is what a URL has turned out to be.
type File struct {
	io.ReadCloser
	Size   int64  // -1: not known before it ends
	Type   string // media type, without parameters; "" if it is not told
	Status int
	Reason string // of the status: 404 Not Found
}

func checkScheme(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("unsupported protocol scheme %q", u.Scheme)
	}
	if u.Hostname() == "" {
		return errors.New("no Host in request URL")
	}
	return nil
}

// Get asks for a URL; a user and a password in it are shown to its host. An answer of any status is one. It must be closed. Errors are
// ErrInvalidArgument and read as net/http's: "Get <url>: <reason>", without the password.
func (f *Client) Get(ctx context.Context, raw string) (*File, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, oops.Invalid("%q is not a URL", raw)
	}
	if err := checkScheme(u); err != nil {
		return nil, failed(u, err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, f.Whole, errTooLong)
	ctx, stall := context.WithCancelCause(ctx)
	end := func() { stall(nil); cancel() }
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		end()
		return nil, failed(u, err)
	}
	req.Header.Set("User-Agent", "hyper/"+version.Version)
	resp, err := f.http.Do(req)
	if err != nil {
		end()
		return nil, failed(u, err)
	}
	out := &File{Size: resp.ContentLength, Status: resp.StatusCode, Reason: fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode))}
	out.Type, _, _ = mime.ParseMediaType(resp.Header.Get("Content-Type"))
	out.ReadCloser = &body{
		ReadCloser: resp.Body, ctx: ctx, end: end, idle: f.Idle,
		timer: time.AfterFunc(f.Idle, func() { stall(errStalled) }),
	}
	return out, nil
}

var (
	errStalled = errors.New("the server has sent nothing for too long")
	errTooLong = errors.New("the download takes too long")
)

// failed words an error as net/http does, and tells no more of this machine than it must.
func failed(u *url.URL, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return oops.Invalid("Get %s: %v", u.Redacted(), err)
}

// body is an answer's body that may not pause for long.
type body struct {
	io.ReadCloser
	ctx   context.Context //nolint:containedctx // a body belongs to its request
	end   func()
	timer *time.Timer
	idle  time.Duration
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.timer.Reset(b.idle)
	}
	if err != nil && err != io.EOF {
		if cause := context.Cause(b.ctx); cause != nil && !errors.Is(cause, context.Canceled) {
			err = oops.Invalid("%v", cause)
		}
	}
	return n, err
}

func (b *body) Close() error {
	b.timer.Stop()
	err := b.ReadCloser.Close()
	b.end()
	return err
}
