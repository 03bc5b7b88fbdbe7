package usage

import (
	"strings"
	"testing"
	"time"
)

func TestMoment(t *testing.T) {
	now := time.Date(2026, 12, 3, 10, 30, 0, 0, time.FixedZone("CET", 3600))
	for text, want := range map[string]string{
		"2026-11-27T10:00:00Z":        "2026-11-27T10:00:00Z",
		"2026-11-27T10:00:00.5+02:00": "2026-11-27T08:00:00.5Z",
		"2026-11-27":                  "2026-11-27T00:00:00Z",
		"2026-11":                     "2026-11-01T00:00:00Z",
		"90m":                         "2026-12-03T08:00:00Z",
		"24h":                         "2026-12-02T09:30:00Z",
		"7d":                          "2026-11-26T09:30:00Z",
		"2w":                          "2026-11-19T09:30:00Z",
		"0s":                          "2026-12-03T09:30:00Z",
	} {
		got, err := moment("--since", text, now)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if s := got.Format(time.RFC3339Nano); s != want {
			t.Errorf("%s is %s, want %s", text, s, want)
		}
	}
	for _, text := range []string{"yesterday", "26-11", "2026", "2026-13", "2026-02-30", "2026-11-27T10:00", "-24h", "-7d", "7 d", "1.5d", "d", "123456d", "12"} {
		if got, err := moment("--since", text, now); err == nil || !strings.Contains(err.Error(), `"`+text+`" is not a time for --since`) {
			t.Errorf("%s is %s, %v", text, got, err)
		}
	}
	if got, err := moment("--since", "", now); err != nil || !got.IsZero() {
		t.Errorf("nothing is %s, %v", got, err)
	}
}
