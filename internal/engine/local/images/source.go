package images

import (
	"net/url"
	"strings"

	"github.com/distribution/reference"

	"github.com/hypercloud/hyper/internal/engine/local/images/registry"
	"github.com/hypercloud/hyper/internal/oops"
)

// source is what a pull asks for.
type source struct {
	host      string // docker.io, quay.io, localhost:5000
	path      string // library/mysql
	reference string // tag or digest
	digest    bool   // whether reference is a digest
}

// parse reads a fully qualified reference.
func parse(ref string) (source, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return source{}, oops.Invalid("%q is not the name of an image: %w", ref, err)
	}
	s := source{host: reference.Domain(named), path: reference.Path(named)}
	if s.host == hub && s.path == "library/scratch" {
		return source{}, oops.Invalid("'scratch' is a reserved name")
	}
	switch r := reference.TagNameOnly(named).(type) {
	case reference.Digested:
		s.reference, s.digest = r.Digest().String(), true
	case reference.Tagged:
		s.reference = r.Tag()
	}
	return s, nil
}

// String is the reference in full.
func (s source) String() string { return s.host + "/" + s.named() }

func (s source) named() string {
	if s.digest {
		return s.path + "@" + s.reference
	}
	return s.path + ":" + s.reference
}

// repository is the name as errors show it: without the host if that is Docker Hub.
func (s source) repository() string {
	if s.host == hub {
		return s.path
	}
	return s.host + "/" + s.path
}

// shown is the image as errors show it: mysql:8.
func (s source) shown() string {
	if s.host == hub {
		return strings.TrimPrefix(s.named(), "library/")
	}
	return s.String()
}

const (
	hub      = "docker.io"
	hubServe = "registry-1.docker.io" // where Docker Hub answers
)

// endpoints lists who is asked, in this order.
func (s *Store) endpoints(from source) ([]registry.Endpoint, error) {
	var out []registry.Endpoint
	host := from.host
	if host == hub {
		host = hubServe
		for _, m := range s.Mirrors {
			u, err := url.Parse(m)
			if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
				return nil, oops.Unavailable("registry mirror %q is not the base URL of a registry", m)
			}
			out = append(out, registry.Endpoint{URL: u, Mirror: true})
		}
	}
	u := &url.URL{Scheme: "https", Host: host}
	if registry.IsLoopback(host) {
		u.Scheme = "http"
	}
	return append(out, registry.Endpoint{URL: u, Permit: s.Permit}), nil
}
