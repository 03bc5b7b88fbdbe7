package rest

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"testing"
)

func TestTime(t *testing.T) {
	for _, tc := range []struct {
		value string
		nanos int64 // -1: refused, 0: the zero time
	}{
		{"", 0}, {"0", 0}, {"12", 12_000_000_000}, {"12.5", 12_500_000_000}, {"12.000000001", 12_000_000_001},
		{"12.0000000019", 12_000_000_001}, {"1970-01-01T00:00:12Z", 12_000_000_000}, {"soon", -1}, {"12.x", -1}, {"12.-5", -1},
	} {
		r := httptest.NewRequest("GET", "/?since="+url.QueryEscape(tc.value), nil)
		r.Form = r.URL.Query()
		got, err := Time(r, "since")
		switch {
		case tc.nanos == -1 && err == nil, tc.nanos >= 0 && err != nil:
			t.Errorf("%q: %v", tc.value, err)
		case tc.nanos == 0 && !got.IsZero(), tc.nanos > 0 && got.UnixNano() != tc.nanos:
			t.Errorf("%q: %v", tc.value, got)
		}
	}
}

func TestFilters(t *testing.T) {
	for _, tc := range []struct{ name, value, want string }{
		{"none", "", "map[] <nil>"},
		{"objects", `{"label":{"b=c":true,"a":true}}`, "map[label:[a b=c]] <nil>"},
		{"lists", `{"label":["b","a"]}`, "map[label:[b a]] <nil>"},
		{"null", `{"label":null}`, "map[label:[]] <nil>"},
		{"unknown", `{"x":["y"]}`, "map[] invalid filter 'x'"},
		{"a string", `{"label":"a"}`, "map[] invalid filter 'label': its values must be a list or an object"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/?filters="+url.QueryEscape(tc.value), nil)
			r.Form = r.URL.Query()
			got, err := Filters(r, "label")
			if s := fmt.Sprint(got, " ", err); s != tc.want {
				t.Errorf("%s, want %s", s, tc.want)
			}
		})
	}
}

func TestBool(t *testing.T) {
	for value, want := range map[string]bool{"": false, "0": false, "false": false, "no": false, "None": false, "1": true, "true": true, "yes": true} {
		r := httptest.NewRequest("GET", "/?x="+value, nil)
		r.Form = r.URL.Query()
		if got := Bool(r, "x"); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}
