package rest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hypercloud/hyper/internal/oops"
)

// Bool reads a flag as Docker does: absent, 0, no, false and none are false, anything else is true.
func Bool(r *http.Request, key string) bool {
	switch strings.ToLower(strings.TrimSpace(r.FormValue(key))) {
	case "", "0", "no", "false", "none":
		return false
	}
	return true
}

// BoolOr is Bool with another answer for an absent flag.
func BoolOr(r *http.Request, key string, absent bool) bool {
	if !r.Form.Has(key) {
		return absent
	}
	return Bool(r, key)
}

// Int reads a number; absent is def.
func Int(r *http.Request, key string, def int) (int, error) {
	s := r.FormValue(key)
	if s == "" {
		return def, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, oops.Invalid("%s must be a number, not %q", key, s)
	}
	return n, nil
}

// Filters reads the query value "filters": {"label":{"a=b":true}}, or the older {"label":["a=b"]}. A filter that
// is not one of known is refused.
func Filters(r *http.Request, known ...string) (map[string][]string, error) {
	s := r.FormValue("filters")
	if s == "" {
		return nil, nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal([]byte(s), &raw); err != nil {
		return nil, oops.Invalid("invalid filters: %v", err)
	}
	out := map[string][]string{}
	for key, value := range raw {
		if !slices.Contains(known, key) {
			return nil, oops.Invalid("invalid filter '%s'", key)
		}
		var set map[string]bool
		var list []string
		switch {
		case json.Unmarshal(value, &list) == nil:
		case json.Unmarshal(value, &set) == nil:
			for v := range set {
				list = append(list, v)
			}
			slices.Sort(list)
		default:
			return nil, oops.Invalid("invalid filter '%s': its values must be a list or an object", key)
		}
		out[key] = list
	}
	return out, nil
}

// Time reads an instant as the clients send it: seconds, seconds.nanoseconds or RFC 3339. Absent and 0 are the zero time.
func Time(r *http.Request, key string) (time.Time, error) { return ParseTime(key, r.FormValue(key)) }

// ParseTime reads what Time reads.
func ParseTime(key, s string) (time.Time, error) {
	if s == "" || s == "0" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	whole, frac, _ := strings.Cut(s, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, oops.Invalid("%s must be seconds since 1970 or a time, not %q", key, s)
	}
	var nano int64
	if frac != "" {
		nano, err = strconv.ParseInt((frac + "000000000")[:9], 10, 64)
		if err != nil || nano < 0 {
			return time.Time{}, oops.Invalid("%s must be seconds since 1970 or a time, not %q", key, s)
		}
	}
	return time.Unix(sec, nano), nil
}
