package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"

	"github.com/hypercloud/hyper/internal/oops"
)

func unavailable(format string, args ...any) error { return oops.Unavailable(format, args...) }
func invalid(format string, args ...any) error     { return oops.Invalid(format, args...) }

// ErrTimeout is behind errors of a registry that took too long.
var ErrTimeout = errors.New("too slow")

// late makes an error that Is ErrTimeout and does not say so.
func late(format string, args ...any) error {
	return &timeoutError{oops.Unavailable(format, args...)}
}

type timeoutError struct{ error }

func (e *timeoutError) Unwrap() []error { return []error{e.error, ErrTimeout} }

// ErrUnknownRepository is behind a NotFound error when it is not only the tag that does not exist.
var ErrUnknownRepository = errors.New("repository unknown")

func (r *Repository) refused() error {
	if r.creds == (Credentials{}) {
		return oops.Unauthenticated("%s wants to know who asks, or there is no such image", r.Host())
	}
	return oops.Unauthenticated("%s refuses these credentials", r.Host())
}

// status words an answer that is none of those hoped for.
func (r *Repository) status(resp *http.Response, what string) error {
	switch {
	case resp.StatusCode == http.StatusNotFound:
		if missesRepository(resp) {
			return oops.As(ErrUnknownRepository, oops.NotFound("%s has no such repository", r.Host()))
		}
		return oops.NotFound("%s has no such %s", r.Host(), what)
	case resp.StatusCode == http.StatusForbidden, resp.StatusCode == http.StatusUnauthorized:
		return r.refused()
	case resp.StatusCode == http.StatusTooManyRequests:
		return unavailable("%s has had too many requests from this machine: wait, or log in", r.Host())
	}
	return unavailable("%s answered %d %s when asked for a %s", r.Host(), resp.StatusCode, http.StatusText(resp.StatusCode), what)
}

// missesRepository reads the codes of an error's body.
func missesRepository(resp *http.Response) bool {
	var body struct {
		Errors []struct {
			Code string `json:"code"`
		} `json:"errors"`
	}
	if json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&body) != nil {
		return false
	}
	for _, e := range body.Errors {
		if e.Code == "NAME_UNKNOWN" || e.Code == "NAME_INVALID" {
			return true
		}
	}
	return false
}

// unreachable words what went wrong on the way to the registry and back.
func (r *Repository) unreachable(ctx context.Context, err error) error {
	if cerr := ctx.Err(); cerr != nil {
		return cerr
	}
	var (
		dns       *net.DNSError
		timeout   net.Error
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		expired   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		own       *timeoutError
		inURL     *url.Error
	)
	host := r.Host()
	if errors.As(err, &inURL) {
		if u, perr := url.Parse(inURL.URL); perr == nil && u.Host != "" {
			host = u.Host // of a redirect, or of a login
		}
	}
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, errStalled):
		return late("%s sent nothing for %s", host, r.timeouts.Idle)
	case errors.Is(err, errPlain):
		return unavailable("%s sends requests on to a server that is not encrypted", host)
	case errors.Is(err, errOwnAddress):
		return unavailable("%s has an address of this machine's own: not asked", host)
	case errors.As(err, &dns):
		return unavailable("%s cannot be found: %s", dns.Name, dns.Err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return unavailable("%s refuses connections", host)
	case errors.As(err, &timeout) && timeout.Timeout():
		return late("%s did not answer within %s", host, r.timeouts.Answer)
	case errors.As(err, &authority), errors.As(err, &hostname), errors.As(err, &expired):
		return unavailable("%s has no certificate that this machine trusts", host)
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return unavailable("%s does not speak HTTPS", host)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return unavailable("%s broke off the connection", host)
	}
	if inURL != nil {
		err = inURL.Err
	}
	return unavailable("%s cannot be asked: %w", host, err)
}
