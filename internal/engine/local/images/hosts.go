package images

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/containerd/containerd/v2/core/remotes"
	"github.com/containerd/containerd/v2/core/remotes/docker"

	"github.com/hypercloud/hyper/internal/engine"
)

// Bounds for a registry that does not answer, or stops in the middle.
const (
	connectTimeout = 15 * time.Second
	idleTimeout    = 60 * time.Second
)

// hosts knows where a pull may ask, and remembers what the answers were: which of several failures is told to
// the user depends on all of them.
type hosts struct {
	mirrors []string
	req     engine.PullRequest
	client  *http.Client

	mu                           sync.Mutex
	sawMissing, sawRefused, down bool
	sawRepository                bool
}

func newHosts(mirrors []string, req engine.PullRequest) *hosts {
	h := &hosts{mirrors: mirrors, req: req}
	h.client = &http.Client{Transport: &watcher{hosts: h, next: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   connectTimeout,
		ResponseHeaderTimeout: 2 * connectTimeout,
		MaxIdleConns:          8,
		IdleConnTimeout:       5 * time.Second,
	}}}
	return h
}

func (h *hosts) resolver() remotes.Resolver {
	return docker.NewResolver(docker.ResolverOptions{Hosts: h.of})
}

// of lists the hosts that are asked for what a reference's host has: for docker.io the mirrors first.
func (h *hosts) of(host string) ([]docker.RegistryHost, error) {
	auth := docker.NewDockerAuthorizer(docker.WithAuthClient(h.client), docker.WithAuthCreds(func(asking string) (string, string, error) {
		if h.isMirror(asking) {
			return "", "", nil // the user's credentials are for the registry that was named
		}
		if h.req.Token != "" {
			return "", h.req.Token, nil
		}
		return h.req.Username, h.req.Password, nil
	}))
	pull := docker.HostCapabilityPull | docker.HostCapabilityResolve
	var out []docker.RegistryHost
	if host == "docker.io" {
		for _, m := range h.mirrors {
			u, err := url.Parse(m)
			if err != nil {
				return nil, err
			}
			out = append(out, docker.RegistryHost{Client: h.client, Authorizer: auth, Scheme: u.Scheme, Host: u.Host,
				Path: strings.TrimSuffix(u.Path, "/") + "/v2", Capabilities: pull})
		}
		host = "registry-1.docker.io"
	}
	scheme := "https"
	if local, _ := docker.MatchLocalhost(host); local {
		scheme = "http"
	}
	return append(out, docker.RegistryHost{Client: h.client, Authorizer: auth, Scheme: scheme, Host: host, Path: "/v2", Capabilities: pull}), nil
}

func (h *hosts) isMirror(host string) bool {
	for _, m := range h.mirrors {
		if u, err := url.Parse(m); err == nil && u.Host == host {
			return true
		}
	}
	return false
}

func (h *hosts) flag(p *bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return *p
}

func (h *hosts) notFound() bool        { return h.flag(&h.sawMissing) }
func (h *hosts) unauthorized() bool    { return h.flag(&h.sawRefused) && !h.flag(&h.sawMissing) }
func (h *hosts) unreachable() bool     { return h.flag(&h.down) }
func (h *hosts) knowsRepository() bool { return h.flag(&h.sawRepository) }

// watcher is a transport that tells hosts of answers, and ends a body that stalls.
type watcher struct {
	hosts *hosts
	next  http.RoundTripper
}

func (w *watcher) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(r)
	w.hosts.mu.Lock()
	switch {
	case err != nil:
		w.hosts.down = true
	case strings.Contains(r.URL.Path, "/manifests/") && resp.StatusCode == http.StatusNotFound:
		w.hosts.sawMissing = true
	case strings.Contains(r.URL.Path, "/manifests/") && resp.StatusCode == http.StatusUnauthorized && r.Header.Get("Authorization") != "":
		w.hosts.sawRefused = true
	}
	w.hosts.mu.Unlock()
	if err == nil {
		resp.Body = &stalling{body: resp.Body}
	}
	return resp, err
}

var errStalled = errors.New("the registry sent nothing for " + idleTimeout.String())

// stalling fails a read that takes longer than idleTimeout.
type stalling struct {
	body io.ReadCloser
	mu   sync.Mutex
	late bool
}

func (s *stalling) Read(p []byte) (int, error) {
	t := time.AfterFunc(idleTimeout, func() {
		s.mu.Lock()
		s.late = true
		s.mu.Unlock()
		_ = s.body.Close()
	})
	n, err := s.body.Read(p)
	t.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.late && err != nil {
		err = errStalled
	}
	return n, err
}

func (s *stalling) Close() error { return s.body.Close() }
