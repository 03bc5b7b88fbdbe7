package bill

import (
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	// It is still December in New York, but not in UTC.
	now := time.Date(2026, 12, 31, 23, 0, 0, 0, time.FixedZone("EST", -5*3600))
	for text, want := range map[string]string{"2026-11": "2026-11", "0001-01": "0001-01", "this": "", "last": "2026-12"} {
		if got, err := parse(text, now); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "2026-13", "2026-00", "26-11", "2026-1", "2026-11-27", "November", "next", "2026/11", " 2026-11"} {
		if got, err := parse(text, now); err == nil || !strings.Contains(err.Error(), `"`+text+`" is not a month`) {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
}

func TestLast(t *testing.T) {
	got := strings.Join(Last(time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC), 5), " ")
	if want := "2026-03 2026-02 2026-01 2025-12 2025-11"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
