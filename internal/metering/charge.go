package metering

import (
	"cmp"
	"math/big"
	"slices"
	"time"

	"github.com/hypercloud/hyper/internal/oops"
)

// Cut is what a statement has a line for.
type Cut string

// The cuts.
const (
	ByResource Cut = "resource" // each thing; each correction
	ByKind     Cut = "kind"     // each kind and class
	ByDay      Cut = "day"      // each day (UTC), kind and class
	ByMonth    Cut = "month"    // each calendar month (UTC), kind and class
	ByPrice    Cut = "price"    // each kind, class and price, as bills do; each correction
)

// Statement is what was used in a time, and what that costs.
type Statement struct {
	Currency string
	Lines    []Line   // in order of period, kind, name and class
	Total    *big.Rat // the sum of the lines, exactly
}

// Line is the use of one thing, or of one kind of things. Its numbers are exact.
type Line struct {
	Period   string // day, as 2026-11-27, or month, as 2026-11; "" but for ByDay and ByMonth
	Kind     Kind
	Class    string // size of containers
	Resource string // with Name for ByResource, otherwise ""
	Name     string // the last by which it was known
	Running  bool   // some of it goes on
	Count    int    // how many things; of corrections, how many corrections
	Quantity *big.Rat
	Unit     string   // of the quantity: "s", "GB s", "month", "" of corrections, whose quantity is their number
	Price    *big.Rat // for ByPrice, otherwise nil; nil of corrections
	// PriceUnit is what the price is for: "s", "GB month" (30 days) or "month" (a calendar month).
	PriceUnit string
	Note      string // of one correction
	Amount    *big.Rat
}

// Charges computes what an account's entries cost in [since, until), by a book. It depends on nothing but its arguments, and not on the entries' order.
//
//   - What runs or is stored is charged for the part of [Start, Until()) that is in [since, until), times GB of what is stored, at the price of each moment.
//   - A floating IP is charged once for each calendar month (UTC) that it was held in for any moment, however often it came and went in it, at the
//     first of these moments and at the price of that. So that the first is known, the entries must reach back to the beginning of since's month.
//   - A correction is charged at its Start.
//
// Since and until are cut to whole milliseconds. A statement of [a, c) is exactly the sum of those of [a, b) and [b, c).
//
// Until before since is ErrInvalidArgument. What is wrong with an entry, or has no price, is an error without a class: it is not the asker's fault.
func Charges(entries []Entry, book *Book, since, until time.Time, by Cut) (*Statement, error) {
	if until.Before(since) {
		return nil, oops.Invalid("the time from %s until %s ends before it begins", since.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339))
	}
	switch by {
	case ByResource, ByKind, ByDay, ByMonth, ByPrice:
	default:
		return nil, oops.Invalid("use is not listed by %q: choose of resource, kind, day and month", clip(string(by)))
	}
	c := &charging{book: book, by: by, entries: entries, since: millis(since), until: millis(until), tariffs: map[item]*tariff{}, groups: map[groupKey]*group{}}
	if err := c.gather(); err != nil {
		return nil, err
	}
	c.divide()
	for _, p := range c.parts {
		if err := c.charge(p); err != nil {
			return nil, err
		}
	}
	return c.statement(), nil
}

// millis is t in milliseconds since 1970, within what entries can have.
func millis(t time.Time) int64 {
	if t.Before(earliest) {
		t = earliest
	}
	if t.After(latest) {
		t = latest
	}
	return t.UnixMilli()
}

// charging is one computation. All its times are in milliseconds since 1970.
type charging struct {
	book         *Book
	by           Cut
	entries      []Entry
	since, until int64
	parts        []part
	segments     []segment
	tariffs      map[item]*tariff
	groups       map[groupKey]*group
}

// part is what of an entry is charged in the time asked for.
type part struct {
	entry      *Entry
	start, end int64    // of a floating IP's month and of a correction, start alone
	running    bool     // it goes on
	amount     *big.Int // of a correction
}

// segment is a time in which no price changes and no period ends. It lasts until the next one.
type segment struct {
	start   int64
	version int // -1: there is none
	period  int // its place among the periods
	name    string
}

// gather finds what is charged, in c.parts.
func (c *charging) gather() error {
	c.parts = make([]part, 0, len(c.entries))
	months := map[heldMonth]part{}
	for i := range c.entries {
		e := &c.entries[i]
		amount, err := e.check()
		if err != nil {
			return err
		}
		start := e.Start.UnixMilli()
		switch e.Kind {
		case Correction:
			if c.since <= start && start < c.until {
				c.parts = append(c.parts, part{entry: e, start: start, amount: amount})
			}
		case FloatingIP:
			c.hold(months, e, start)
		default:
			start, end := max(start, c.since), min(millis(e.Until()), c.until)
			if start < end {
				c.parts = append(c.parts, part{entry: e, start: start, end: end, running: c.running(e)})
			}
		}
	}
	for _, p := range months {
		if c.since <= p.start && p.start < c.until {
			c.parts = append(c.parts, p)
		}
	}
	return nil
}

// heldMonth is a calendar month in which an address was held.
type heldMonth struct {
	address string
	month   int64 // when it begins
}

// hold notes the months of the time asked for in which an entry holds an address, and the first moment of each. It holds it for a millisecond
// at least.
func (c *charging) hold(months map[heldMonth]part, e *Entry, start int64) {
	end := min(max(e.End.UnixMilli(), start+1), c.until)
	for month := MonthOf(time.UnixMilli(max(start, c.since))); month.UnixMilli() < end; month = month.AddDate(0, 1, 0) {
		key := heldMonth{e.Resource, month.UnixMilli()}
		p := part{entry: e, start: max(start, key.month)}
		p.running = c.running(e) && MonthOf(e.End).Equal(month)
		if had, ok := months[key]; ok {
			p.start, p.running = min(p.start, had.start), p.running || had.running
			if newer(had.entry, e) {
				p.entry = had.entry
			}
		}
		months[key] = p
	}
}

// running says whether an entry is of use that goes on, and its end is in the time asked for.
func (c *charging) running(e *Entry) bool { return e.Seq == 0 && e.End.UnixMilli() <= c.until }

// newer says whether a tells more of a thing's present than b.
func newer(a, b *Entry) bool {
	switch {
	case (a.Seq == 0) != (b.Seq == 0):
		return a.Seq == 0
	case !a.End.Equal(b.End):
		return a.End.After(b.End)
	case a.Seq != b.Seq:
		return a.Seq > b.Seq
	}
	return a.Name > b.Name
}

// divide makes the segments, of the time in which something is charged.
func (c *charging) divide() {
	if len(c.parts) == 0 {
		return
	}
	start := c.parts[0].start
	end := start + 1
	for _, p := range c.parts {
		start, end = min(start, p.start), max(end, p.end, p.start+1)
	}
	at := []int64{start}
	for _, v := range c.book.versions {
		if from := v.from.UnixMilli(); start < from && from < end {
			at = append(at, from)
		}
	}
	format, months, days := "", 0, 0
	switch c.by {
	case ByDay:
		format, days = dayFormat, 1
	case ByMonth:
		format, months = monthFormat, 1
	}
	if format != "" {
		year, month, day := time.UnixMilli(start).UTC().Date()
		if days == 0 {
			day = 1
		}
		for t := time.Date(year, month, day, 0, 0, 0, 0, time.UTC); t.UnixMilli() < end; t = t.AddDate(0, months, days) {
			if t.UnixMilli() > start {
				at = append(at, t.UnixMilli())
			}
		}
	}
	slices.Sort(at)
	for _, from := range slices.Compact(at) {
		t := time.UnixMilli(from).UTC()
		s := segment{start: from, version: c.book.at(t)}
		if format != "" {
			s.name = t.Format(format)
		}
		if n := len(c.segments); n > 0 {
			s.period = c.segments[n-1].period
			if s.name != c.segments[n-1].name {
				s.period++
			}
		}
		c.segments = append(c.segments, s)
	}
}

// charge counts a part in the segments that it is in.
func (c *charging) charge(p part) error {
	g := c.group(p)
	i := c.segment(p.start)
	switch {
	case p.amount != nil:
		bin := g.bins[i]
		g.fixed[bin].Add(&g.fixed[bin], p.amount)
		g.used[i].add(1, 1)
		return nil
	case p.entry.Kind == FloatingIP:
		p.end = p.start + 1 // one month
	}
	bins := g.thing(p.entry.Resource)
	for ; p.start < p.end; i++ {
		if g.bins[i] < 0 {
			return c.unpriced(p.entry, p.start, i)
		}
		end := p.end
		if i+1 < len(c.segments) {
			end = min(end, c.segments[i+1].start)
		}
		g.used[i].add(uint64(end-p.start), uint64(p.entry.Quantity))
		if bins != nil {
			bins.add(g.bins[i])
		}
		p.start = end
	}
	if p.running {
		g.running.add(g.bins[i-1])
	}
	return nil
}

// segment is the place of that which a moment is in.
func (c *charging) segment(at int64) int {
	i, begins := slices.BinarySearchFunc(c.segments, at, func(s segment, at int64) int { return cmp.Compare(s.start, at) })
	if begins {
		return i
	}
	return i - 1
}

// unpriced says why there is no price for an entry in a segment.
func (c *charging) unpriced(e *Entry, at int64, i int) error {
	if v := c.segments[i].version; v >= 0 {
		return e.wrong("the prices from %s have none of %s", c.book.versions[v].Day(), item{e.Kind, clip(e.Class)})
	}
	return e.wrong("no prices hold at %s: the first version of the price book is from %s", time.UnixMilli(at).UTC().Format(time.RFC3339), c.book.versions[0].Day())
}
