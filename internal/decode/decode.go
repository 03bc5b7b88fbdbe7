// Package decode reads JSON that strangers send, and says in sentences what is wrong with it.
package decode

import (
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/hypercloud/hyper/internal/oops"
)

// JSON reads a stranger's JSON into v. wrong begins the sentence that says what is wrong with it, which tells of JSON and not of Go. most is how many
// values it may hold: three bytes can stand for hundreds in memory, so that a bound of the bytes alone is none. Errors: ErrInvalidArgument.
func JSON(wrong string, raw []byte, most int, v any) error {
	if n := values(raw); n > most {
		return oops.Invalid("%s: it holds %d values, and may hold %d", wrong, n, most)
	}
	err := json.Unmarshal(raw, v)
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &kind):
		name := kind.Field[strings.LastIndexByte(kind.Field, '.')+1:]
		if name == "" {
			name = "it"
		}
		return oops.Invalid("%s: %s is %s, and should be %s", wrong, name, found(kind.Value), expected(kind.Type))
	case errors.As(err, &syntax):
		return oops.Invalid("%s: %v, at byte %d", wrong, syntax, syntax.Offset)
	}
	if at, ok := errors.AsType[*time.ParseError](err); ok {
		return oops.Invalid("%s: %q is no time such as 2026-01-02T15:04:05Z", wrong, at.Value)
	}
	return oops.Invalid("%s: %s", wrong, plain(err.Error()))
}

// values counts the values in JSON, or more, never fewer: each ends at a comma or where an object or a list ends.
func values(raw []byte) int {
	n, quoted := 1, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == '[' || c == '{'):
			n++
		}
	}
	return n
}

// found names what was sent.
func found(value string) string {
	what, number, _ := strings.Cut(value, " ")
	switch {
	case number != "":
		return "the number " + number
	case what == "number":
		return "a number"
	case what == "array":
		return "a list"
	case what == "object":
		return "an object"
	case what == "bool":
		return "true or false"
	}
	return "text"
}

// expected names what is read.
func expected(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number that is not too large"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number, not negative and not too large"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map:
		return "an object"
	case reflect.Struct:
		if t.PkgPath() == "net/netip" {
			return "text, which is an address"
		}
		return "an object"
	}
	return "something else"
}

// What Go's types say when they are read from text.
var (
	ofAddresses = regexp.MustCompile(`^(?:netip\.)?Parse\w+\((.*)\): (.*)$`)
	ofNumbers   = regexp.MustCompile(`^strconv\.\w+: parsing (.*): (.*)$`)
)

// plain takes the names of Go's functions out of an error.
func plain(text string) string {
	text = strings.TrimPrefix(text, "json: ")
	if strings.HasPrefix(text, "Time.") {
		return "a time is text, such as \"2026-01-02T15:04:05Z\""
	}
	if strings.HasPrefix(text, "invalid use of ,string struct tag") {
		return "text is where a number should be"
	}
	text = ofAddresses.ReplaceAllString(text, "$1 is no address: $2")
	text = ofNumbers.ReplaceAllString(text, "$1 is no number: $2")
	return text
}
