package server

import (
	"net/http/httptest"
	"testing"

	"github.com/hypercloud/hyper/internal/server/rest"
)

func TestRouter(t *testing.T) {
	var routes []rest.Route
	for _, p := range []string{"/images/json", "/images/{name...}/json", "/images/{name...}", "/exec/{id}/json", "/networks/prune", "/"} {
		routes = append(routes, rest.Route{Method: "GET", Pattern: p})
	}
	rt := newRouter(routes)
	for _, tc := range []struct{ path, pattern, name string }{
		{"/images/json", "/images/json", ""},
		{"/images/a/json", "/images/{name...}/json", "a"},
		{"/images/reg:5000/a/b:c/json", "/images/{name...}/json", "reg:5000/a/b:c"},
		{"/images/json/json", "/images/{name...}/json", "json"},
		{"/images//a//json", "/images/{name...}/json", "a"},
		{"/images/a/b", "/images/{name...}", "a/b"},
		{"/images", "", ""},
		{"/exec/x/json", "/exec/{id}/json", ""},
		{"/exec/x/y/json", "", ""},
		{"/networks/prune/", "/networks/prune", ""},
		{"", "/", ""},
	} {
		t.Run(tc.path, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			got := ""
			if route := rt.find(r, tc.path); route != nil {
				got = route.Pattern
			}
			if got != tc.pattern || r.PathValue("name") != tc.name {
				t.Errorf("%q with name %q, want %q with %q", got, r.PathValue("name"), tc.pattern, tc.name)
			}
		})
	}
}

func TestCutVersion(t *testing.T) {
	for _, tc := range []struct {
		path, version, bare string
		ok                  bool
	}{
		{"/v1.23/info", "1.23", "/info", true},
		{"//v1.23//info", "1.23", "//info"[1:], true},
		{"/info", "0.0", "/info", false},
		{"/version", "0.0", "/version", false},
		{"/volumes", "0.0", "/volumes", false},
		{"/v1/info", "0.0", "/v1/info", false},
		{"/v1.-3/info", "0.0", "/v1.-3/info", false},
		{"/v1.44", "1.44", "/", true},
	} {
		v, bare, ok := cutVersion(tc.path)
		if v.String() != tc.version || len(split(bare)) != len(split(tc.bare)) || ok != tc.ok {
			t.Errorf("%s: %s %s %v", tc.path, v, bare, ok)
		}
	}
}
