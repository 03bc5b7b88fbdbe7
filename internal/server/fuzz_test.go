package server

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/hypercloud/hyper/internal/server/rest"
)

// Whatever a path is, it leads to a route whose fixed parts it has, in their order, or to none; and what a handler gets as a name is what stands there.
func FuzzRouter(f *testing.F) {
	for _, seed := range []string{
		"/v1.44/containers/web/json", "//v1.44//containers///web//json", "/containers/a/b/json", "/images/%2e%2e/json", "/containers/../json", "/containers/%2F/json", "/containers/a%00b/json", "/v1.44", "/v1.44/", "/v/containers/json", "/v1/containers/json", "", "/images//json", "/containers/json/json",
		"/volumes/upload/a/b", "/containers/json%2Fjson", "/v1.44/v1.44/info", "/images/a:b@sha256:c/json",
	} {
		f.Add(uint8(0), seed)
	}
	s := New(Config{})
	methods := []string{http.MethodGet, http.MethodPost, http.MethodDelete, http.MethodHead, http.MethodPut, "PATCH", "get", ""}
	f.Fuzz(func(t *testing.T, m uint8, path string) {
		method := methods[int(m)%len(methods)]
		if u, err := url.ParseRequestURI(path); err == nil {
			path = u.Path
		}
		_, bare, ok := cutVersion(path)
		if !strings.HasPrefix(bare, "/") {
			t.Errorf("%q is cut to %q", path, bare)
		}
		if ok && !strings.Contains(path, bare[1:]) {
			t.Errorf("%q is cut to %q", path, bare)
		}
		r := &http.Request{Method: method, URL: &url.URL{Path: path}}
		route := s.router.find(r, bare)
		if route == nil {
			return
		}
		if route.Method != method {
			t.Errorf("%s is answered as %s", method, route.Method)
		}
		if want, got := strings.Join(split(bare), "/"), filled(route, r); want != got {
			t.Errorf("%q is %q to %s", want, got, route.Pattern)
		}
	})
}

// filled is a route's pattern with what a request has for its names.
func filled(route *rest.Route, r *http.Request) string {
	var out []string
	for _, s := range split(route.Pattern) {
		if name, ok := strings.CutPrefix(s, "{"); ok {
			s = r.PathValue(strings.TrimSuffix(strings.TrimSuffix(name, "}"), "..."))
			if s == "" {
				s = "NOTHING"
			}
		}
		out = append(out, s)
	}
	return strings.Join(out, "/")
}
