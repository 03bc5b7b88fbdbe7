package usage

import (
	"context"
	"slices"
	"time"

	"github.com/hypercloud/hyper/internal/metering"
	"github.com/hypercloud/hyper/internal/oops"
)

// Span is a time that is asked about: [Since, Until). The zero Since is the beginning of this calendar month, the zero Until is now.
type Span struct{ Since, Until time.Time }

// maxDays is how many days can be listed one by one.
const maxDays = 1000

// resolve finds out which time is meant. open says that it reaches beyond now, where it is cut.
func (sp Span) resolve(now time.Time) (since, until time.Time, open bool, err error) {
	since, until = sp.Since.UTC().Truncate(metering.Resolution), sp.Until.UTC().Truncate(metering.Resolution)
	if sp.Since.IsZero() {
		since = metering.MonthOf(now)
	}
	switch {
	case sp.Until.IsZero():
		until = now
	case until.After(now):
		until, open = now, true
	}
	if since.Before(until) {
		return since, until, open, nil
	}
	switch {
	case since.After(now):
		err = oops.Invalid("since is %s, which is still to come: choose a time before now, %s", told(since), told(now))
	case sp.Since.IsZero():
		err = oops.Invalid("until is %s, before this month began: say since when too", told(until))
	case since.Equal(until) && (sp.Until.IsZero() || open):
		err = oops.Invalid("since is %s, which is now: nothing was used since then", told(since))
	case since.Equal(until):
		err = oops.Invalid("the time from %s until %s is empty: until must be after since", told(since), told(until))
	default:
		err = oops.Invalid("the time from %s until %s ends before it begins: until must be after since", told(since), told(until))
	}
	return since, until, open, err
}

func told(t time.Time) string { return t.Format("2006-01-02T15:04:05.999Z07:00") }

// Report is what an account used in a time.
type Report struct {
	Subject
	*metering.Statement

	Since, Until time.Time
	By           metering.Cut
	// Provisional says that some of it goes on, or that the time that was asked for is not over.
	Provisional bool
}

// Usage tells what an account used in a time, and what that costs. Errors: ErrInvalidArgument.
func (s *Service) Usage(ctx context.Context, sub Subject, span Span, by metering.Cut) (Report, error) {
	if by == "" {
		by = metering.ByResource
	}
	if !slices.Contains([]metering.Cut{metering.ByResource, metering.ByKind, metering.ByDay, metering.ByMonth}, by) {
		return Report{}, oops.Invalid("use is not listed by %.40q: choose of resource, kind, day, month", string(by))
	}
	m, err := s.look(ctx, sub)
	if err != nil {
		return Report{}, err
	}
	since, until, open, err := span.resolve(m.now)
	if err != nil {
		return Report{}, err
	}
	if by == metering.ByDay && until.Sub(since) > maxDays*24*time.Hour {
		return Report{}, oops.Invalid("the time from %s until %s has more than %d days: list it by month, or choose a shorter one", told(since), told(until), maxDays)
	}
	charged := until
	if until.Equal(m.now) { // what is charged at least is owed from the start on
		charged = until.Add(metering.Least)
	}
	st, err := s.charges(ctx, m, since, charged, by)
	if err != nil {
		return Report{}, err
	}
	r := Report{Subject: m.sub, Since: since, Until: until, By: by, Provisional: open, Statement: st}
	for _, l := range st.Lines {
		r.Provisional = r.Provisional || l.Running && until.Equal(m.now)
	}
	return r, nil
}
