package rest

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
)

// Both forms of filters mean the same, and what is read is what was written.
func FuzzFilters(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "null", `{"label":["a=b","c"]}`, `{"label":{"a=b":true,"c":false}}`, `{"name":null}`, `{"label":"a"}`, `{"label":[1]}`, `{"label":{"a":1}}`, `{"x":["y"]}`,
		`{"label":["a"],"label":["b"]}`, `[]`, `{"label":["\u0000"]}`, `{"label":[["a"]]}`, `{"label":["a"]} x`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Form = map[string][]string{"filters": {text}}
		got, err := Filters(r, "label", "name")
		if err != nil {
			if !errdefs.IsInvalidArgument(err) || !strings.HasPrefix(err.Error(), "invalid filter") || strings.Contains(strings.ReplaceAll(err.Error(), text, ""), "json:") && !strings.Contains(text, "json:") {
				t.Errorf("%q", err)
			}
			return
		}
		list, set := map[string][]string{}, map[string]map[string]bool{}
		for key, values := range got {
			if key != "label" && key != "name" || len(values) > maxFilterValues {
				t.Errorf("%q with %d values", key, len(values))
			}
			list[key], set[key] = values, map[string]bool{}
			for _, v := range values {
				set[key][v] = true
			}
		}
		for _, form := range []any{list, set} {
			raw, err := json.Marshal(form)
			if err != nil {
				t.Fatal(err)
			}
			r.Form.Set("filters", string(raw))
			again, err := Filters(r, "label", "name")
			if err != nil {
				t.Fatalf("%s: %v", raw, err)
			}
			for key, values := range got {
				x, y := slices.Compact(slices.Sorted(slices.Values(values))), slices.Compact(slices.Sorted(slices.Values(again[key])))
				if !slices.Equal(x, y) {
					t.Errorf("%s: %q became %q", raw, x, y)
				}
			}
		}
	})
}

// A time is refused, or within the years that RFC 3339 has, and means the same when it is written as seconds.
func FuzzParseTime(f *testing.F) {
	for _, seed := range []string{"", "0", "12", "12.5", "-1.5", "12.0000000019", "1970-01-01T00:00:12Z", "9223372036854775807", "-9223372036854775808", "1.+5", "1e9", "0x10", " 1", "1.", ".5", "2026-11-24T01:02:03.4+05:30", "0001-01-01T00:00:00Z", "1.²"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseTime("since", text)
		if err != nil {
			if !errdefs.IsInvalidArgument(err) || !strings.HasPrefix(err.Error(), "since must be") {
				t.Errorf("%q", err)
			}
			return
		}
		if y := got.UTC().Year(); y < -9999 || y > 9999 {
			t.Errorf("%q is in the year %d", text, y)
		}
		if got.IsZero() {
			return
		}
		sec, nano := got.Unix(), int64(got.Nanosecond())
		sign := ""
		if sec < 0 && nano > 0 { // half before: -1.5 is a second and a half before 1970
			sec, nano = sec+1, 1e9-nano
		}
		if sec <= 0 && got.Before(time.Unix(0, 0)) {
			sign, sec = "-", -sec
		}
		again, err := ParseTime("since", fmt.Sprintf("%s%d.%09d", sign, sec, nano))
		if err != nil || !again.Equal(got) && sec+nano != 0 {
			t.Errorf("%q is %v, and again %v (%v)", text, got, again, err)
		}
	})
}

// A version is what it is written as.
func FuzzParseVersion(f *testing.F) {
	for _, seed := range []string{"1.44", "1.0", "0.0", "999.999", "+1.2", "1", "1.2.3", "1._2", "01.1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, ok := ParseVersion(text)
		if !ok {
			return
		}
		if again, ok := ParseVersion(v.String()); !ok || again != v {
			t.Errorf("%q is %v, and again %v", text, v, again)
		}
		if v.Check() == nil && (v.Before(OldestVersion) || NewestVersion.Before(v)) {
			t.Errorf("%v is served", v)
		}
	})
}
