package prices

import (
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/api/types"
)

func TestInForce(t *testing.T) {
	p := types.Prices{Versions: []types.PriceVersion{{From: "2027-01-01"}, {From: "2026-01-01"}, {From: "2026-11-27"}}}
	for now, want := range map[string]string{
		"2025-12-31T23:59:59Z":      "",
		"2026-01-01T00:00:00Z":      "2026-01-01",
		"2026-11-26T23:59:59Z":      "2026-01-01",
		"2026-11-27T00:59:59+01:00": "2026-01-01", // The day begins in UTC.
		"2026-11-27T01:00:00+01:00": "2026-11-27",
		"2030-01-01T00:00:00Z":      "2027-01-01",
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := InForce(p, at)
		if got.From != want || ok != (want != "") {
			t.Errorf("at %s it is %q, %v; want %q", now, got.From, ok, want)
		}
	}
}

// Sizes stand in their order, whatever they cost.
func TestSizes(t *testing.T) {
	v := types.PriceVersion{Containers: map[string]types.Amount{"l1": "0", "m2": "0", "m1": "0", "s4": "0", "s1": "0", "x": "0"}}
	if got := strings.Join(Sizes(v), " "); got != "x s1 s4 m1 m2 l1" {
		t.Errorf("got %q", got)
	}
}
