package server_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
)

func itoa(n int) string { return strconv.Itoa(n) }

func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return fmt.Sprintf("%v", v)
}

func decode(t *testing.T, body string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
}
