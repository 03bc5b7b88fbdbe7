package registry

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
)

// registries are two that know the user u with the password p, one by each scheme of authentication.
func registries(t *testing.T) map[string]string {
	t.Helper()
	known := func(r *http.Request) bool {
		u, p, _ := r.BasicAuth()
		return u == "u" && p == "p"
	}
	basic := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !known(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(basic.Close)
	var bearer *httptest.Server
	bearer = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token" && known(r):
			_ = json.NewEncoder(w).Encode(map[string]string{"token": "t"})
		case r.URL.Path == "/v2/" && r.Header.Get("Authorization") == "Bearer t":
		default:
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+bearer.URL+`/token",service="s"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(bearer.Close)
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	t.Cleanup(broken.Close)
	return map[string]string{"basic": basic.URL, "bearer": bearer.URL, "broken": broken.URL}
}

func TestLogin(t *testing.T) {
	a, err := account.New("0123456789abcdef0123456789abcdef", 0)
	if err != nil {
		t.Fatal(err)
	}
	urls := registries(t)
	for _, tc := range []struct {
		name, server, password string
		is                     func(error) bool
	}{
		{"basic", urls["basic"] + "/v1/", "p", nil},
		{"basic, wrong password", urls["basic"], "x", errdefs.IsUnauthorized},
		{"bearer", urls["bearer"], "p", nil},
		{"bearer, wrong password", urls["bearer"], "x", errdefs.IsUnauthorized},
		{"no registry", urls["broken"], "p", errdefs.IsUnavailable},
		{"no address", "a b", "p", errdefs.IsInvalidArgument},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := (&Service{}).Login(context.Background(), a, tc.server, "u", tc.password, "")
			if tc.is == nil && err != nil || tc.is != nil && !tc.is(err) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestHostOf(t *testing.T) {
	for server, want := range map[string]string{
		"": hub, "docker.io": hub, "https://index.docker.io/v1/": hub, "reg.example:5000": "reg.example:5000", "http://reg.example/v2/": "reg.example",
	} {
		if got := hostOf(server); got != want {
			t.Errorf("%q: %q, want %q", server, got, want)
		}
	}
}
