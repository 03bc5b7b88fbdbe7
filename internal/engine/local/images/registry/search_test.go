package registry

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
)

func TestSearch(t *testing.T) {
	var asked []string
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		asked = append(asked, r.URL.Path+"?"+r.URL.RawQuery+" "+user+":"+password)
		fmt.Fprint(w, `{"results": [{"name": "a", "description": "d", "star_count": 3, "is_official": true, "is_automated": true}, {"name": "b"}, {"name": "c"}]}`)
	})
	within := Timeouts{Answer: time.Second, Idle: time.Second}
	found, err := Search(t.Context(), Endpoint{URL: u}, "a b&c", 2, Credentials{Username: "u", Password: "p"}, within)
	if err != nil || len(found) != 2 || found[0] != (Found{"a", "d", 3, true, true}) || found[1].Name != "b" {
		t.Errorf("%+v, %v", found, err)
	}
	if len(asked) != 1 || asked[0] != "/v1/search?n=2&q=a+b%26c u:p" {
		t.Errorf("it was asked %q", asked)
	}
}

// What a registry answers that has no search, or does not mean well.
func TestSearchRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string
		is     func(error) bool
	}{
		"it has none":             {404, "404 page not found", errdefs.IsNotImplemented},
		"it has another method":   {405, "", errdefs.IsNotImplemented},
		"it is a web page":        {200, "<html>", errdefs.IsNotImplemented},
		"it is something else":    {200, `{"errors": []}`, errdefs.IsNotImplemented},
		"it wants to know who":    {401, "", errdefs.IsUnauthorized},
		"it fails":                {503, "", errdefs.IsUnavailable},
		"it is of another kind":   {200, `{"results": [{"name": 7}]}`, errdefs.IsUnavailable},
		"it is without end":       {200, `{"results": [{"name": "` + strings.Repeat("x", 2<<20) + `"}]}`, errdefs.IsInvalidArgument},
		"it has found nothing":    {200, `{"results": []}`, func(err error) bool { return err == nil }},
		"it ends in the middle":   {200, `{"results": [`, errdefs.IsNotImplemented},
		"it has nothing to offer": {410, "", errdefs.IsNotImplemented},
	} {
		u := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			fmt.Fprint(w, tt.body)
		})
		_, err := Search(t.Context(), Endpoint{URL: u}, "x", 25, Credentials{}, Timeouts{Answer: time.Second, Idle: time.Second})
		if !tt.is(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	u := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
	nobody := func(netip.Addr) bool { return false }
	if _, err := Search(t.Context(), Endpoint{URL: u, Permit: nobody}, "x", 25, Credentials{}, Timeouts{Answer: time.Second, Idle: time.Second}); !errdefs.IsUnavailable(err) {
		t.Errorf("an address that is not permitted: %v", err)
	}
}
