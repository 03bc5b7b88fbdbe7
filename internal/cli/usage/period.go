package usage

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

var daysAgo = regexp.MustCompile(`^([0-9]{1,5})([dw])$`)

// moment reads what a flag says of a time, in one of the forms that help names. Nothing is the zero time.
func moment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly, "2006-01"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	if m := daysAgo.FindStringSubmatch(text); m != nil {
		days, err := strconv.Atoi(m[1])
		if err != nil {
			return time.Time{}, err
		}
		if m[2] == "w" {
			days *= 7
		}
		return now.UTC().Add(-time.Duration(days) * 24 * time.Hour), nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.UTC().Add(-ago), nil
	}
	return time.Time{}, fmt.Errorf("%q is not a time for %s: give one as 2026-11-27T10:00:00Z, a day as 2026-11-27, a month as 2026-11, or how long ago, as 24h or 7d", text, flag)
}

// shown writes a time in UTC, as short as it is exact to the second.
func shown(t time.Time) string {
	t = t.UTC()
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.DateTime + " UTC")
}
