package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Every call names its account, but for two that tell nothing of any, and one that is for who has a session's secret.
func TestRoutes(t *testing.T) {
	b := newBench(t)
	seen := map[string]bool{}
	var lines []string
	for _, r := range b.server.Routes() {
		key := r.Method + " " + r.Pattern
		if seen[key] {
			t.Errorf("%s is there twice", key)
		}
		seen[key] = true
		if (r.Handle == nil) == (r.Open == nil) {
			t.Errorf("%s must have exactly one handler", key)
		}
		if r.Open != nil && r.Pattern != "/_ping" && r.Pattern != "/version" && r.Pattern != "/volumes/upload/{session}/{name}" {
			t.Errorf("%s is open to anybody", key)
		}
		line := fmt.Sprintf("%-6s %s", r.Method, r.Pattern)
		if r.Operator {
			line += " (operator)"
		}
		group, _, _ := strings.Cut(strings.TrimPrefix(r.Pattern, "/"), "/")
		if r.Operator != slices.Contains([]string{"accounts", "bills", "doctor"}, group) {
			t.Errorf("%s: the operator's calls are those of /accounts, /bills and /doctor", key)
		}
		lines = append(lines, line)
	}
	slices.SortFunc(lines, func(x, y string) int { return strings.Compare(x[7:]+" "+x, y[7:]+" "+y) })
	golden(t, "routes.txt", strings.Join(lines, "\n")+"\n")
}
