package metering

import (
	"time"

	"github.com/hypercloud/hyper/internal/oops"
)

// How days and months are written.
const (
	dayFormat   = "2006-01-02"
	monthFormat = "2006-01"
)

// Month is a calendar month (UTC), written as 2026-11: its first moment, and that of the next one.
func Month(text string) (since, until time.Time, err error) {
	since, err = time.Parse(monthFormat, text)
	if err != nil || since.Year() < 1 {
		return time.Time{}, time.Time{}, oops.Invalid("%q is not a month: write it as 2026-11", clip(text))
	}
	return since, since.AddDate(0, 1, 0), nil
}

// MonthOf is the first moment of t's calendar month (UTC).
func MonthOf(t time.Time) time.Time {
	year, month, _ := t.UTC().Date()
	return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
}
