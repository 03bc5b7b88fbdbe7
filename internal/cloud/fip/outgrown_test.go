package fip

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

// The operator takes the pool away between two starts.
func TestAnotherPool(t *testing.T) {
	b := newBench(t, "198.18.0.0/29")
	b.allocate(b.a, 2)
	var log bytes.Buffer
	c := b.fips.Config
	c.Pool, c.Log = mustPool(t, "198.18.0.3 203.0.113.0/29", ""), slog.New(slog.NewTextHandler(&log, nil))
	b.fips = New(c)
	b.fips.Report()
	if !strings.Contains(log.String(), "not in the pool any more") || !strings.Contains(log.String(), "fips=[198.18.0.2]") || !strings.Contains(log.String(), "account=account0") || strings.Contains(log.String(), "account1") {
		t.Errorf("the log says %s", log.String())
	}
	if says := b.fips.Warnings(b.a); len(says) != 1 || !strings.Contains(says[0], "198.18.0.2 is no longer one of the operator's pool") {
		t.Errorf("the account is told %q", says)
	}
	if says := b.fips.Warnings(b.b); len(says) != 0 {
		t.Errorf("the other account is told %q", says)
	}
	if err := b.fips.Attach(t.Context(), b.a, "198.18.0.2", "web"); err != nil {
		t.Errorf("attaching what is still the account's: %v", err)
	}
	if _, err := b.fips.Detach(t.Context(), b.a, "web"); err != nil {
		t.Fatal(err)
	}
	if err := b.fips.Release(t.Context(), b.a, "198.18.0.2"); err != nil {
		t.Fatal(err)
	}
	if got := b.allocate(b.b, 2); !slices.Equal(got, []string{"203.0.113.2", "203.0.113.3"}) {
		t.Errorf("given are %v", got)
	}
}
