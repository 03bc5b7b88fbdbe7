// Package registry reads manifests and blobs of one repository at one image registry.
//
// A registry may be anybody's. What it sends is bounded and, where a digest is known, checked by whoever asked (manifests
// here, blobs where they are stored); how long it may take is bounded too: to connect, to begin an answer, and
// between two pieces of a body. A registry, or a server that it refers to, is not talked to on this machine's loopback or
// link-local addresses, unless it was named by such an address or by the operator.
//
// Errors read as a reason ("registry.example did not answer within 15s") and carry a class: ErrNotFound,
// ErrUnauthenticated, ErrUnavailable, ErrInvalidArgument. A context's error is returned as it is.
package registry

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/containerd/containerd/v2/core/remotes/docker"
)

// Default bounds.
const (
	DefaultAnswerTimeout = 15 * time.Second
	DefaultIdleTimeout   = 60 * time.Second
)

// Endpoint is where a registry answers.
type Endpoint struct {
	URL *url.URL // scheme, host and what comes before /v2
	// Mirror marks a registry that the operator named to stand for another: it may be on loopback, whatever its name.
	Mirror bool
	// Permit reports whether an address may be asked, unless the operator named the registry; nil: any but this machine's own.
	Permit func(netip.Addr) bool
}

// Host is the endpoint's name in errors.
func (e Endpoint) Host() string { return e.URL.Host }

// Credentials say who asks. The zero value is nobody.
type Credentials struct {
	Username string
	Password string
	Token    string // identity or registry token; wins over the password
}

// Timeouts bound the patience with a registry. Zero fields are the defaults.
type Timeouts struct {
	Answer time.Duration // to connect; for TLS; and until an answer begins
	Idle   time.Duration // without a piece of a body
}

// Repository is one repository at one registry. It is used from several goroutines.
type Repository struct {
	endpoint Endpoint
	name     string // such as library/mysql
	creds    Credentials
	timeouts Timeouts
	client   *http.Client
	auth     docker.Authorizer
	token    bearer
}

// Open returns the repository called name at an endpoint. Nothing is asked yet.
func Open(ep Endpoint, name string, creds Credentials, t Timeouts) *Repository {
	if t.Answer <= 0 {
		t.Answer = DefaultAnswerTimeout
	}
	if t.Idle <= 0 {
		t.Idle = DefaultIdleTimeout
	}
	r := &Repository{endpoint: ep, name: name, creds: creds, timeouts: t}
	r.client = &http.Client{Transport: &bounded{next: transport(ep, t), idle: t.Idle}, CheckRedirect: checkRedirect}
	r.auth = docker.NewDockerAuthorizer(docker.WithAuthClient(r.client), docker.WithAuthCreds(r.credentials))
	return r
}

// Close lets go of the connections.
func (r *Repository) Close() { r.client.CloseIdleConnections() }

// Host names the registry in errors.
func (r *Repository) Host() string { return r.endpoint.Host() }

func (r *Repository) url(kind, reference string) string {
	u := *r.endpoint.URL
	u.Path = strings.TrimSuffix(u.Path, "/") + "/v2/" + r.name + "/" + kind + "/" + reference
	return u.String()
}
