package rest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hypercloud/hyper/internal/decode"
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

// maxFilterValues is how many values one filter may have: each is compared with each thing that is listed.
const maxFilterValues = 1024

// Filters reads the query value "filters": {"label":{"a=b":true}}, or the older {"label":["a=b"]}. A filter that
// is not one of known is refused.
func Filters(r *http.Request, known ...string) (map[string][]string, error) {
	s := r.FormValue("filters")
	if s == "" {
		return nil, nil
	}
	var raw map[string]json.RawMessage
	if err := decode.JSON("invalid filters", []byte(s), maxValues, &raw); err != nil {
		return nil, err
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
		if len(list) > maxFilterValues {
			return nil, oops.Invalid("invalid filter '%s': it has %d values, and may have %d", key, len(list), maxFilterValues)
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
	if err != nil || sec < -maxSeconds || sec > maxSeconds || strings.Trim(frac, "0123456789") != "" {
		return time.Time{}, oops.Invalid("%s must be seconds since 1970 or a time, not %q", key, s)
	}
	nano, _ := strconv.ParseInt((frac + "000000000")[:9], 10, 64) // nine digits
	if strings.HasPrefix(whole, "-") {
		nano = -nano
	}
	return time.Unix(sec, nano), nil
}

// maxSeconds bounds times to years of four digits, as RFC 3339 has them.
const maxSeconds = 200_000_000_000
