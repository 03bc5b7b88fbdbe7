package bill

import (
	"fmt"
	"time"
)

const layout = "2006-01"

// monthOf reads the MONTH that may be among the arguments. An empty one is this month, which the server knows best.
func monthOf(args []string) (string, error) {
	if len(args) == 0 {
		return "", nil
	}
	return parse(args[0], time.Now())
}

func parse(text string, now time.Time) (string, error) {
	switch text {
	case "this":
		return "", nil
	case "last":
		return Last(now, 2)[1], nil
	}
	if t, err := time.Parse(layout, text); err != nil || t.Format(layout) != text {
		return "", fmt.Errorf("%q is not a month: give one as 2026-11, or 'this' or 'last'", text)
	}
	return text, nil
}

// Last are the last n months, this one first.
func Last(now time.Time, n int) []string {
	now = now.UTC()
	months := make([]string, 0, n)
	for i := range n {
		months = append(months, time.Date(now.Year(), now.Month()-time.Month(i), 1, 0, 0, 0, 0, time.UTC).Format(layout))
	}
	return months
}
