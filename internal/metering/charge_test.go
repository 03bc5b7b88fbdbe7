package metering

import (
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"pgregory.net/rapid"
)

// model computes a total in the plainest way: entry by entry and version by version, with fractions. It shares nothing with Charges but the book.
func model(entries []Entry, book *Book, since, until time.Time) *big.Rat {
	total := new(big.Rat)
	within := func(t time.Time) bool { return !t.Before(since) && t.Before(until) }
	first := map[string]time.Time{} // by address and month
	for _, e := range entries {
		switch e.Kind {
		case Correction:
			if within(e.Start) {
				total.Add(total, number(e.Amount))
			}
		case FloatingIP:
			end := e.End
			if !end.After(e.Start) {
				end = e.Start.Add(time.Millisecond)
			}
			for t := e.Start; t.Before(end); t = time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC) {
				key := e.Resource + t.Format(" 2006-01")
				if had, ok := first[key]; !ok || t.Before(had) {
					first[key] = t
				}
			}
		default:
			for i, p := range book.Versions() {
				start, end := e.Start, e.End
				if least := e.Start.Add(e.Least); end.Before(least) {
					end = least
				}
				for _, t := range []time.Time{since, p.From()} {
					if start.Before(t) {
						start = t
					}
				}
				if i+1 < len(book.Versions()) && end.After(book.Versions()[i+1].From()) {
					end = book.Versions()[i+1].From()
				}
				if end.After(until) {
					end = until
				}
				if start.Before(end) {
					price, _ := p.PerSecond(e.Kind, e.Class)
					seconds := big.NewRat(end.Sub(start).Milliseconds(), 1000)
					total.Add(total, price.Mul(price, seconds.Mul(seconds, big.NewRat(e.Quantity, 1))))
				}
			}
		}
	}
	for _, t := range first {
		if within(t) {
			p, _ := book.At(t)
			price, _ := p.Of(FloatingIP, "")
			total.Add(total, price)
		}
	}
	return total
}

// Random lives are within these days, in which prices change.
var lifeFrom, lifeUntil = at("2026-10-20"), at("2027-02-10")

var moments = rapid.Custom(func(t *rapid.T) time.Time {
	if rapid.Bool().Draw(t, "midnight") {
		day := rapid.IntRange(0, 100).Draw(t, "day")
		return lifeFrom.AddDate(0, 0, day).Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "beside it")) * time.Millisecond)
	}
	return lifeFrom.Add(time.Duration(rapid.Int64Range(0, lifeUntil.Sub(lifeFrom).Milliseconds()).Draw(t, "ms")) * time.Millisecond)
})

var randomEntry = rapid.Custom(func(t *rapid.T) Entry {
	e := Entry{Seq: rapid.Int64Range(0, 99).Draw(t, "seq"), Quantity: 1, Resource: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "resource"), Name: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "name"), Start: moments.Draw(t, "start")}
	e.Kind = rapid.SampledFrom(append([]Kind{Correction}, kinds...)).Draw(t, "kind")
	most := rapid.SampledFrom([]time.Duration{0, 15 * time.Second, time.Hour, 100 * 24 * time.Hour}).Draw(t, "most")
	e.End = e.Start.Add(time.Duration(rapid.Int64Range(0, most.Milliseconds()).Draw(t, "lasts")) * time.Millisecond)
	switch unit, _ := units(e.Kind); {
	case e.Kind == Correction:
		e.End, e.Amount, e.Note = e.Start, rapid.SampledFrom([]string{"-1.50", "0.000000000001", "20"}).Draw(t, "amount"), "a note"
	case e.Kind == Container:
		e.Class, e.Least = rapid.SampledFrom(Sizes).Draw(t, "size"), Least
	case unit == unitGBSecond:
		e.Quantity, e.Least = rapid.Int64Range(1, 1000000).Draw(t, "GB"), Least
	}
	return e
})

var randomBook = rapid.Custom(func(t *rapid.T) *Book {
	days := rapid.SliceOfNDistinct(rapid.IntRange(0, 110), 0, 4, rapid.ID).Draw(t, "days")
	versions := []*Prices{}
	for _, from := range append([]time.Time{at("2016-08-01")}, daysFrom(lifeFrom, days)...) {
		p := &Prices{currency: "USD", from: from, of: map[item]*big.Int{}}
		for _, i := range items() {
			// Few prices, so that some are the same before and after.
			p.of[i] = big.NewInt(rapid.SampledFrom([]int64{0, 1, 400000, 999999999999}).Draw(t, i.String()))
		}
		versions = append(versions, p)
	}
	b, err := FromVersions(versions...)
	if err != nil {
		t.Fatal(err)
	}
	return b
})

func daysFrom(day time.Time, n []int) []time.Time {
	var list []time.Time
	for _, i := range n {
		list = append(list, day.AddDate(0, 0, i))
	}
	return list
}

var cuts = []Cut{ByResource, ByKind, ByDay, ByMonth, ByPrice}

// life is what a property speaks of: entries, a book, and a time.
type life struct {
	entries      []Entry
	book         *Book
	since, until time.Time
}

func drawLife(t *rapid.T) life {
	l := life{entries: rapid.SliceOfN(randomEntry, 0, 12).Draw(t, "entries"), book: randomBook.Draw(t, "book"), since: moments.Draw(t, "since"), until: moments.Draw(t, "until")}
	if l.until.Before(l.since) {
		l.since, l.until = l.until, l.since
	}
	return l
}

func (l life) by(t *rapid.T, entries []Entry, cut Cut) *Statement {
	s, err := Charges(entries, l.book, l.since, l.until, cut)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// text is all of a statement, with exact numbers.
func (s *Statement) text() string {
	var b strings.Builder
	for _, l := range s.Lines {
		fmt.Fprintf(&b, "%s|%s|%s|%s|%s|%v|%d|%s %s|%v %s|%s|%s\n", l.Period, l.Kind, l.Class, l.Resource, l.Name, l.Running, l.Count, l.Quantity.RatString(), l.Unit, l.Price, l.PriceUnit, l.Note, l.Amount.RatString())
	}
	return b.String() + s.Total.RatString() + " " + s.Currency
}

func TestTotalsAreTheModels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLife(t)
		want := model(l.entries, l.book, l.since, l.until)
		for _, cut := range cuts {
			if got := l.by(t, l.entries, cut).Total; got.Cmp(want) != 0 {
				t.Errorf("by %s it is %s, and should be %s", cut, got, want)
			}
		}
	})
}

func TestSplittingChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLife(t)
		var split []Entry
		for _, e := range l.entries {
			for e.End.Sub(e.Start) > time.Millisecond && rapid.Bool().Draw(t, "split") {
				var before Entry
				after := rapid.Int64Range(1, e.End.Sub(e.Start).Milliseconds()-1).Draw(t, "after")
				before, e = e.Split(e.Start.Add(time.Duration(after) * time.Millisecond))
				split = append(split, before)
			}
			split = append(split, e)
		}
		for _, cut := range cuts {
			// Names and what goes on are the last entry's; which that is, parts of it may say differently. Numbers may not.
			a, b := l.by(t, l.entries, cut), l.by(t, split, cut)
			for _, s := range []*Statement{a, b} {
				for i := range s.Lines {
					s.Lines[i].Name, s.Lines[i].Running = "", false
				}
			}
			if cut != ByResource && a.text() != b.text() {
				t.Errorf("by %s it is\n%s\nand split\n%s", cut, a.text(), b.text())
			}
			if x, y := sums(a, resource), sums(b, resource); x != y {
				t.Errorf("by %s it is\n%s\nand split\n%s", cut, x, y)
			}
		}
	})
}

func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLife(t)
		other := rapid.Permutation(l.entries).Draw(t, "order")
		for _, cut := range cuts {
			if a, b := l.by(t, l.entries, cut).text(), l.by(t, other, cut).text(); a != b {
				t.Errorf("by %s it is\n%s\nand in another order\n%s", cut, a, b)
			}
		}
	})
}

func kindAndClass(l Line) string { return string(l.Kind) + " " + l.Class }
func resource(l Line) string     { return kindAndClass(l) + " " + l.Resource }

// sums are the quantities and amounts of lines that have a key in common.
func sums(s *Statement, key func(Line) string) string {
	quantities, amounts := map[string]*big.Rat{}, map[string]*big.Rat{}
	for _, l := range s.Lines {
		k := key(l)
		if quantities[k] == nil {
			quantities[k], amounts[k] = new(big.Rat), new(big.Rat)
		}
		quantities[k].Add(quantities[k], l.Quantity)
		amounts[k].Add(amounts[k], l.Amount)
	}
	return fmt.Sprint(quantities, amounts) // maps are printed in order
}

func TestCutsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLife(t)
		want := l.by(t, l.entries, ByKind)
		for _, cut := range cuts {
			s := l.by(t, l.entries, cut)
			total := new(big.Rat)
			for _, line := range s.Lines {
				total.Add(total, line.Amount)
			}
			if total.Cmp(s.Total) != 0 || s.Total.Cmp(want.Total) != 0 {
				t.Errorf("by %s the lines are %s, the total is %s and by kind %s", cut, total, s.Total, want.Total)
			}
			if a, b := sums(s, kindAndClass), sums(want, kindAndClass); a != b {
				t.Errorf("by %s the kinds are\n%s\nand by kind\n%s", cut, a, b)
			}
		}
		month := func(line Line) string { return line.Period[:7] + kindAndClass(line) }
		if a, b := sums(l.by(t, l.entries, ByDay), month), sums(l.by(t, l.entries, ByMonth), month); a != b {
			t.Errorf("the months of days are\n%s\nand by month\n%s", a, b)
		}
		// The price of a line, times its quantity, is its amount.
		for _, line := range l.by(t, l.entries, ByPrice).Lines {
			if line.Kind == Correction {
				continue
			}
			r := new(big.Rat).Mul(line.Price, line.Quantity)
			if line.PriceUnit == perGBMonth {
				r.Quo(r, number("2592000"))
			}
			if r.Cmp(line.Amount) != 0 {
				t.Errorf("%s %s at %s is %s", line.Quantity, line.Unit, line.Price, line.Amount)
			}
		}
	})
}

func TestTimesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLife(t)
		between := moments.Draw(t, "between")
		if between.Before(l.since) {
			between = l.since
		}
		if between.After(l.until) {
			between = l.until
		}
		for _, cut := range cuts {
			a, b := life{l.entries, l.book, l.since, between}, life{l.entries, l.book, between, l.until}
			parts := &Statement{Lines: append(a.by(t, l.entries, cut).Lines, b.by(t, l.entries, cut).Lines...)}
			key := func(line Line) string { return line.Period + resource(line) }
			if x, y := sums(parts, key), sums(l.by(t, l.entries, cut), key); x != y {
				t.Errorf("by %s the parts are\n%s\nand the whole\n%s", cut, x, y)
			}
		}
	})
}

// One more use never makes a bill less. Of addresses that holds for what comes later, as everything does in a ledger: had one been held earlier in the month
// too, its month would have been due then, in another time and maybe at another price.
func TestMoreUseCostsNoLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLife(t)
		more := randomEntry.Filter(func(e Entry) bool { return e.Kind != Correction }).Draw(t, "more")
		for _, e := range l.entries {
			if e.Kind == FloatingIP && more.Kind == FloatingIP && e.Start.After(more.Start) {
				more.Start, more.End = e.Start, e.Start.Add(more.End.Sub(more.Start))
			}
		}
		if less, is := l.by(t, l.entries, ByKind).Total, l.by(t, append(l.entries, more), ByKind).Total; is.Cmp(less) < 0 {
			t.Errorf("it was %s, and with one more entry is %s", less, is)
		}
	})
}

func TestFreeUseCostsNothing(t *testing.T) {
	free := mustParse(t, "currency: USD\nprices: [{from: 2016-08-01, free: true}]\n")
	rapid.Check(t, func(t *rapid.T) {
		l := drawLife(t)
		l.book = free
		for _, cut := range cuts {
			for _, line := range l.by(t, l.entries, cut).Lines {
				if line.Kind != Correction && line.Amount.Sign() != 0 || line.Quantity.Sign() <= 0 {
					t.Errorf("by %s %s of %s cost %s", cut, line.Quantity, line.Kind, line.Amount)
				}
			}
		}
	})
}

func TestWhatCannotBeCharged(t *testing.T) {
	ok := use("container s4", "c1", "2026-11-01", "2026-11-02")
	ok.Seq = 7
	with := func(change func(e *Entry)) Entry {
		e := ok
		change(&e)
		return e
	}
	const entry = `entry 7 of the ledger (container "c1" from 2026-11-01T00:00:00Z) cannot be charged: `
	for _, c := range []struct {
		name  string
		entry Entry
		says  string
	}{
		{"an unknown kind", with(func(e *Entry) { e.Kind = "gpu" }), `entry 7 of the ledger (gpu "c1" from 2026-11-01T00:00:00Z) cannot be charged: its kind is "gpu", which does not exist`},
		{"no kind", with(func(e *Entry) { e.Kind = "" }), `entry 7 of the ledger ( "c1" from 2026-11-01T00:00:00Z) cannot be charged: its kind is "", which does not exist`},
		{"an unknown size", with(func(e *Entry) { e.Class = "xxl" }), entry + "the prices from 2026-01-01 have none of container xxl"},
		{"no size", with(func(e *Entry) { e.Class = "" }), entry + "the prices from 2026-01-01 have none of container"},
		{"a class of a volume", with(func(e *Entry) { e.Kind = Volume }), `entry 7 of the ledger (volume "c1" from 2026-11-01T00:00:00Z) cannot be charged: the prices from 2026-01-01 have none of volume s4`},
		{"an end before the start", with(func(e *Entry) { e.End = e.Start.Add(-time.Millisecond) }), entry + "it ends before it begins"},
		{"a start between milliseconds", with(func(e *Entry) { e.Start = e.Start.Add(time.Nanosecond) }), `entry 7 of the ledger (container "c1" from 2026-11-01T00:00:00.000000001Z) cannot be charged: its times are not in whole milliseconds`},
		{"before all calendars", with(func(e *Entry) { e.Start = at("0000-12-31 23:59:59") }), `entry 7 of the ledger (container "c1" from 0000-12-31T23:59:59Z) cannot be charged: its times are beyond the years 1 to 9998`},
		{"half a millisecond", with(func(e *Entry) { e.End = e.End.Add(500 * time.Microsecond) }), entry + "its times are not in whole milliseconds"},
		{"a negative least", with(func(e *Entry) { e.Least = -time.Second }), entry + "the least that is charged is negative, -1s"},
		{"no quantity", with(func(e *Entry) { e.Quantity = 0 }), entry + "its quantity is 0, and is at least 1"},
		{"two containers", with(func(e *Entry) { e.Quantity = 2 }), entry + "its quantity is 2, and can only be 1"},
		{"a volume of nothing", with(func(e *Entry) { e.Kind, e.Class, e.Quantity = Volume, "", -1 }), `entry 7 of the ledger (volume "c1" from 2026-11-01T00:00:00Z) cannot be charged: its quantity is -1, and is at least 1`},
		{"too large a volume", with(func(e *Entry) { e.Kind, e.Class, e.Quantity = Volume, "", 1<<40+1 }), `entry 7 of the ledger (volume "c1" from 2026-11-01T00:00:00Z) cannot be charged: it is of 1099511627777 GB, and can be of 1099511627776`},
		{"no amount", with(func(e *Entry) { e.Kind = Correction }), `entry 7 of the ledger (correction "c1" from 2026-11-01T00:00:00Z) cannot be charged: the amount is empty: give a decimal number such as 8.28`},
		{"another amount", with(func(e *Entry) { e.Kind, e.Amount = Correction, "1e3" }), `entry 7 of the ledger (correction "c1" from 2026-11-01T00:00:00Z) cannot be charged: the amount is "1e3", which is not a decimal number such as 8.28`},
		{"before all prices", with(func(e *Entry) { e.Start = at("2025-12-31 23:59:59.999") }),
			`entry 7 of the ledger (container "c1" from 2025-12-31T23:59:59.999Z) cannot be charged: no prices hold at 2025-12-31T23:59:59Z: the first version of the price book is from 2026-01-01`},
		{"an address before all prices", Entry{Kind: FloatingIP, Resource: "203.0.113.9", Quantity: 1, Start: at("2025-12-31"), End: at("2026-01-02")},
			`the use that goes on (fip "203.0.113.9" from 2025-12-31T00:00:00Z) cannot be charged: no prices hold at 2025-12-31T00:00:00Z: the first version of the price book is from 2026-01-01`},
		{"beyond all calendars", with(func(e *Entry) { e.End = at("9999-01-01").AddDate(0, 0, 1) }), entry + "its times are beyond the years 1 to 9998"},
	} {
		t.Run(c.name, func(t *testing.T) {
			book := bookOf(t, "2026-01-01 1 1")
			for _, cut := range cuts {
				if _, err := Charges([]Entry{ok, c.entry}, book, time.Time{}, at("9998-01-01"), cut); err == nil || err.Error() != c.says || errdefs.IsInvalidArgument(err) {
					t.Errorf("by %s it says %v", cut, err)
				}
			}
		})
	}
	_, err := Charges(nil, Original(), at("2026-11-02"), at("2026-11-01"), ByKind)
	if err == nil || err.Error() != "the time from 2026-11-02T00:00:00Z until 2026-11-01T00:00:00Z ends before it begins" || !errdefs.IsInvalidArgument(err) {
		t.Error(err)
	}
	_, err = Charges(nil, Original(), at("2026-11-01"), at("2026-11-02"), "colour")
	if err == nil || err.Error() != `use is not listed by "colour": choose of resource, kind, day and month` || !errdefs.IsInvalidArgument(err) {
		t.Error(err)
	}
}

// Prices that are missing matter only where there is use.
func TestTimeWithoutUseNeedsNoPrices(t *testing.T) {
	s := charges(t, []Entry{use("container s4", "c1", "2026-11-01", "2026-11-02")}, bookOf(t, "2026-11-01 1 1"), time.Time{}, at("9998-01-01"), ByDay)
	if len(s.Lines) != 1 || s.Total.Cmp(number("86400")) != 0 {
		t.Error(s.text())
	}
	if s := charges(t, nil, Original(), at("2026-11-01"), at("2026-11-01"), ByPrice); len(s.Lines) != 0 || s.Total.Sign() != 0 {
		t.Error(s.text())
	}
}

// What is summed up does not overflow: a century of a million GB, in so many entries that they make more than 2^64 and 2^96.
func TestLargeSums(t *testing.T) {
	e := use("volume 1000000", "v1", "2026-01-01", "2126-01-01")
	e.Quantity = mostGB
	entries := make([]Entry, 1000)
	for i := range entries {
		entries[i] = e
	}
	book := bookOf(t, "2026-01-01 0 999999999999.999999999999")
	s := charges(t, entries, book, at("2026-01-01"), at("2126-01-01"), ByKind)
	// A century is 36,524 days.
	quantity := number(fmt.Sprint(36524 * 86400 * 1000))
	quantity.Mul(quantity, number(fmt.Sprint(mostGB)))
	amount := new(big.Rat).Mul(quantity, number("999999999999.999999999999"))
	amount.Quo(amount, number("2592000"))
	if s.Lines[0].Quantity.Cmp(quantity) != 0 || s.Total.Cmp(amount) != 0 {
		t.Errorf("it is %s", s.text())
	}
	var most tally
	for range 3 {
		most.add(1<<63, 1<<32)
	}
	if want, _ := new(big.Int).SetString("118842243771396506390315925504", 10); most.big().Cmp(want) != 0 { // 3 * 2^95
		t.Error(most.big())
	}
}
