package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/containerd/containerd/v2/core/remotes/docker"
	remoteerrors "github.com/containerd/containerd/v2/core/remotes/errors"
	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/version"
)

// bearer tells whether the token is sent as it is.
type bearer struct{ raw atomic.Bool }

// credentials answers the authorizer. A token without a user name is one to be exchanged.
func (r *Repository) credentials(string) (username, secret string, err error) {
	if r.creds.Token != "" {
		return "", r.creds.Token, nil
	}
	return r.creds.Username, r.creds.Password, nil
}

// attempts bounds how often a request is repeated to prove who asks: once for the challenge, once when what was
// proved has expired, once to send a token as it is.
const attempts = 4

// do sends a request and proves who asks if the registry wants to know. The answer is any but 401.
func (r *Repository) do(ctx context.Context, method, url string, header http.Header) (*http.Response, error) {
	ctx = docker.WithScope(ctx, "repository:"+r.name+":pull")
	var answers []*http.Response
	for {
		req, err := http.NewRequestWithContext(ctx, method, url, nil)
		if err != nil {
			return nil, r.unreachable(ctx, err)
		}
		req.Header = header.Clone()
		req.Header.Set("User-Agent", "hyper/"+version.Version)
		if err := r.authorize(ctx, req); err != nil {
			return nil, err
		}
		resp, err := r.client.Do(req)
		if err != nil {
			return nil, r.unreachable(ctx, err)
		}
		if resp.StatusCode != http.StatusUnauthorized {
			return resp, nil
		}
		drop(resp)
		answers = append(answers, resp)
		if len(answers) == attempts {
			return nil, r.refused()
		}
		if err := r.challenged(ctx, answers); err != nil {
			return nil, err
		}
	}
}

func (r *Repository) authorize(ctx context.Context, req *http.Request) error {
	if r.token.raw.Load() {
		req.Header.Set("Authorization", "Bearer "+r.creds.Token)
		return nil
	}
	err := r.auth.Authorize(ctx, req)
	if err != nil && r.creds.Token != "" && denied(err) && r.token.raw.CompareAndSwap(false, true) {
		// Not one to be exchanged: then it is what the exchange would have given.
		return r.authorize(ctx, req)
	}
	return r.authError(ctx, err)
}

// challenged learns from a 401 how to prove who asks.
func (r *Repository) challenged(ctx context.Context, answers []*http.Response) error {
	if r.token.raw.Load() {
		return r.refused()
	}
	err := r.auth.AddResponses(ctx, answers)
	if errdefs.IsNotImplemented(err) {
		return r.refused() // a 401 that does not say how
	}
	return r.authError(ctx, err)
}

func denied(err error) bool {
	var status remoteerrors.ErrUnexpectedStatus
	return errors.Is(err, docker.ErrInvalidAuthorization) ||
		errors.As(err, &status) && status.StatusCode >= 400 && status.StatusCode < 500 && status.StatusCode != http.StatusTooManyRequests
}

func (r *Repository) authError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case denied(err):
		return r.refused()
	}
	var status remoteerrors.ErrUnexpectedStatus
	if errors.As(err, &status) {
		return unavailable("the server that %s sends logins to answered %s", r.Host(), status.Status)
	}
	return r.unreachable(ctx, err)
}

// drop reads a little of a body that nobody wants, so that the connection can be used again, and closes it.
func drop(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
	_ = resp.Body.Close()
}
