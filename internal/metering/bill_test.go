package metering

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// bill is a statement as people would see it: lines of "KIND CLASS COUNT x QUANTITY UNIT at PRICE UNIT = CENTS", and the total, which is cut once.
func (s *Statement) bill() string {
	var b strings.Builder
	for _, l := range s.Lines {
		fmt.Fprintf(&b, "%s\n", strings.Join(strings.Fields(l.says()), " "))
	}
	return b.String() + "total " + Money(s.Currency, Cents(s.Total))
}

func (l Line) says() string {
	price := ""
	if l.Price != nil {
		price = "at " + Exact(l.Price) + " per " + l.PriceUnit
	}
	return fmt.Sprintf("%s %s %s %s: %d, %s %s %s = %s %s", l.Period, l.Kind, l.Class, l.Name, l.Count, Exact(l.Quantity), l.Unit, price, Cents(l.Amount), l.Note)
}

func checkBill(t *testing.T, s *Statement, want ...string) {
	t.Helper()
	if got := s.bill(); got != strings.Join(want, "\n") {
		t.Errorf("the bill is\n%s\nand should be\n%s", got, strings.Join(want, "\n"))
	}
}

// Each start of a container is charged for ten seconds at least.
func TestTenSecondsAtLeast(t *testing.T) {
	for _, c := range []struct{ runs, seconds, exact string }{
		{"0", "10", "0.00002"}, // it ended at once: 10 s at 0.000002
		{"5", "10", "0.00002"},
		{"9.999", "10", "0.00002"},
		{"10", "10", "0.00002"},
		{"10.001", "10.001", "0.000020002"},
		{"30", "30", "0.00006"},
		{"4 4", "20", "0.00004"},
		{"4 4 30", "50", "0.0001"},
	} {
		var entries []Entry
		start := at("2026-11-27 12:00")
		for i, run := range strings.Fields(c.runs) {
			ms := number(run)
			e := Entry{Seq: int64(i + 1), Kind: Container, Resource: "c1", Class: "s4", Quantity: 1, Start: start, Least: Least}
			e.End = start.Add(time.Duration(ms.Mul(ms, number("1000")).Num().Int64()) * time.Millisecond)
			entries, start = append(entries, e), start.Add(time.Minute)
		}
		s := charges(t, entries, Original(), at("2026-11-01"), at("2026-12-01"), ByPrice)
		if l := s.Lines[0]; len(s.Lines) != 1 || Exact(l.Quantity) != c.seconds || Exact(l.Amount) != c.exact || l.Count != 1 {
			t.Errorf("runs of %s s: %s", c.runs, s.text())
		}
	}
}

// The walkthrough's bill for a month of 30 days: November has 2,592,000 s.
//
//	container  2,592,000 s * $0.000002                    = $5.184
//	rootfs     10 GB * 2,592,000 s * $0.1 / 2,592,000 s   = $1
//	volume     10 GB likewise                             = $1
//	image      714.1 MB are 1 GB                          = $0.1
//	address    one month                                  = $1
//	                                                        $8.284
func TestWalkthroughsBill(t *testing.T) {
	const from, until = "2026-11-01", "2026-12-01"
	entries := []Entry{
		use("container s4", "c1", from, until), use("rootfs 10", "c1", from, until), use("volume 10", "v1", from, until), use("image 1", "i1", from, until), use("fip", "203.0.113.9", from, until),
	}
	checkBill(t, charges(t, entries, Original(), at(from), at(until), ByPrice),
		"container s4 : 1, 2592000 s at 0.000002 per s = 5.18",
		"rootfs : 1, 25920000 GB s at 0.1 per GB month = 1.00",
		"volume : 1, 25920000 GB s at 0.1 per GB month = 1.00",
		"image : 1, 2592000 GB s at 0.1 per GB month = 0.10",
		"fip : 1, 1 month at 1 per month = 1.00",
		"total $8.28")

	// Somewhere else than in a month of 30 days it is the same for 30 days, but that an address is charged for both months.
	for i := range entries {
		entries[i].Start, entries[i].End = at("2026-12-15"), at("2027-01-14")
	}
	checkBill(t, charges(t, entries, Original(), at("2026-12-01"), at("2027-02-01"), ByKind),
		"container s4 : 1, 2592000 s = 5.18", "rootfs : 1, 25920000 GB s = 1.00", "volume : 1, 25920000 GB s = 1.00", "image : 1, 2592000 GB s = 0.10", "fip : 1, 2 month = 2.00",
		"total $9.28")
}

// The rules' other example: 1.0368 + 1 + 0.1 + 1 = 3.1368.
func TestSmallBill(t *testing.T) {
	const from, until = "2026-11-01", "2026-12-01"
	entries := []Entry{use("container s1", "c1", from, until), use("rootfs 10", "c1", from, until), use("image 1", "i1", from, until), use("fip", "203.0.113.9", from, until)}
	checkBill(t, charges(t, entries, Original(), at(from), at(until), ByPrice),
		"container s1 : 1, 2592000 s at 0.0000004 per s = 1.03",
		"rootfs : 1, 25920000 GB s at 0.1 per GB month = 1.00",
		"image : 1, 2592000 GB s at 0.1 per GB month = 0.10",
		"fip : 1, 1 month at 1 per month = 1.00",
		"total $3.13")
}

// A month of 28 days costs less than one of 30, and one of 31 more; of addresses all cost the same. February 2027 has 28 * 86,400 = 2,419,200 s:
//
//	container  2,419,200 s * $0.000002                         = $4.8384
//	rootfs     10 GB * 2,419,200 s * $0.1 / 2,592,000 s = 28/30  = $0.9333...
//
// January has 2,678,400 s: $5.3568 and $1.0333...
func TestMonthsAreAsLongAsTheyAre(t *testing.T) {
	entries := []Entry{use("container s4", "c1", "2027-01-01", "2027-03-01"), use("rootfs 10", "c1", "2027-01-01", "2027-03-01"), use("fip", "203.0.113.9", "2027-01-01", "2027-03-01")}
	checkBill(t, charges(t, entries, Original(), at("2027-02-01"), at("2027-03-01"), ByPrice),
		"container s4 : 1, 2419200 s at 0.000002 per s = 4.83",
		"rootfs : 1, 24192000 GB s at 0.1 per GB month = 0.93",
		"fip : 1, 1 month at 1 per month = 1.00",
		"total $6.77") // 4.8384 + 0.9333... + 1 = 6.7717...: the sum is cut, not the lines, which make 6.76
	checkBill(t, charges(t, entries, Original(), at("2027-01-01"), at("2027-02-01"), ByPrice),
		"container s4 : 1, 2678400 s at 0.000002 per s = 5.35",
		"rootfs : 1, 26784000 GB s at 0.1 per GB month = 1.03",
		"fip : 1, 1 month at 1 per month = 1.00",
		"total $7.39") // 5.3568 + 1.0333... + 1 = 7.3901...
}

// A day on which clocks of the machine may be given a leap second has 86,400 s like all others: 2016 ended with one.
func TestNoLeapSeconds(t *testing.T) {
	s := charges(t, []Entry{use("container s4", "c1", "2016-12-31", "2017-01-01")}, Original(), at("2016-12-01"), at("2017-02-01"), ByDay)
	checkBill(t, s, "2016-12-31 container s4 : 1, 86400 s = 0.17", "total $0.17")
	// A leap day is a day: February 2028 has 29.
	s = charges(t, []Entry{use("container s4", "c1", "2028-02-01", "2028-03-01")}, Original(), at("2028-02-01"), at("2028-03-01"), ByMonth)
	checkBill(t, s, "2028-02 container s4 : 1, 2505600 s = 5.01", "total $5.01") // 2,505,600 s * 0.000002 = 5.0112
}

// From the 16th of November on an s4 costs a half more, and what is stored twice as much. There are 15 days, 1,296,000 s, before and after:
//
//	container  1,296,000 s * $0.000002 = $2.592, and * $0.000003 = $3.888
//	volume     10 GB * 1,296,000 s * $0.1 / 2,592,000 s = $0.5, and $1
//	address    $1, at the price of the first moment
func TestPricesChangeWithinTheMonth(t *testing.T) {
	book := bookOf(t, "2026-01-01 0.000002 0.1", "2026-11-16 0.000003 0.2", "2026-11-20 0.0000030 0.20")
	const from, until = "2026-11-01", "2026-12-01"
	entries := []Entry{
		use("container s4", "c1", from, until), use("container s4", "c2", "2026-11-20", "2026-11-20 00:00:10"), use("volume 10", "v1", from, until), use("fip", "203.0.113.9", from, until),
	}
	checkBill(t, charges(t, entries, book, at(from), at(until), ByPrice),
		"container s4 : 1, 1296000 s at 0.000002 per s = 2.59",
		"container s4 : 2, 1296010 s at 0.000003 per s = 3.88", // and 10 s of another, and what is no change is no line
		"volume : 1, 12960000 GB s at 0.1 per GB month = 0.50",
		"volume : 1, 12960000 GB s at 0.2 per GB month = 1.00",
		"fip : 1, 1 month at 1 per month = 1.00",
		"total $8.98") // 2.592 + 3.888 + 0.00003 + 0.5 + 1 + 1 = 8.98003
	checkBill(t, charges(t, entries, book, at(from), at(until), ByKind),
		"container s4 : 2, 2592010 s = 6.48", "volume : 1, 25920000 GB s = 1.50", "fip : 1, 1 month = 1.00", "total $8.98")
}

// A millisecond is the least that a price can hold for: 86,400 s before midnight at 1, and 0.001 s after it at 2.
func TestMillisecondAtAnotherPrice(t *testing.T) {
	book := bookOf(t, "2026-01-01 1 0", "2026-11-16 2 0")
	s := charges(t, []Entry{use("container s4", "c1", "2026-11-15", "2026-11-16 00:00:00.001")}, book, at("2026-11-01"), at("2026-12-01"), ByPrice)
	checkBill(t, s, "container s4 : 1, 86400 s at 1 per s = 86400.00", "container s4 : 1, 0.001 s at 2 per s = 0.00", "total $86400.00")
	if Exact(s.Total) != "86400.002" {
		t.Error(s.text())
	}
}

// A book in which everything is free from a day on.
func TestFreeFromADayOn(t *testing.T) {
	book := mustParse(t, whole()+"  - from: 2026-11-16\n    free: true\n")
	entries := []Entry{use("container s4", "c1", "2026-11-01", "2026-12-01"), use("fip", "203.0.113.9", "2026-11-16", "2026-12-02")}
	checkBill(t, charges(t, entries, book, at("2026-11-01"), at("2026-12-01"), ByPrice),
		"container s4 : 1, 1296000 s at 0.000002 per s = 2.59",
		"container s4 : 1, 1296000 s at 0 per s = 0.00",
		"fip : 1, 1 month at 0 per month = 0.00",
		"total $2.59")
}

// A run of 3 s that begins 2 s before midnight of a month's end is charged for 10: 2 in the old month and 8 in the new one.
func TestLeastReachesIntoTheNextMonth(t *testing.T) {
	entries := []Entry{use("container s4", "c1", "2026-11-30 23:59:58", "2026-12-01 00:00:01")}
	checkBill(t, charges(t, entries, Original(), at("2026-11-01"), at("2026-12-01"), ByMonth), "2026-11 container s4 : 1, 2 s = 0.00", "total $0.00")
	checkBill(t, charges(t, entries, Original(), at("2026-12-01"), at("2027-01-01"), ByMonth), "2026-12 container s4 : 1, 8 s = 0.00", "total $0.00")
	checkBill(t, charges(t, entries, Original(), at("2026-11-01"), at("2027-01-01"), ByDay), "2026-11-30 container s4 : 1, 2 s = 0.00", "2026-12-01 container s4 : 1, 8 s = 0.00", "total $0.00")
	if s := charges(t, entries, Original(), at("2026-11-01"), at("2027-01-01"), ByKind); Exact(s.Total) != "0.00002" {
		t.Error(s.text())
	}
}

func TestFloatingIPs(t *testing.T) {
	// held is "ADDRESS FROM UNTIL", with _ for the space in a time.
	held := func(list ...string) (entries []Entry) {
		for i, text := range list {
			f := strings.Fields(strings.ReplaceAll(text, "_", "T"))
			e := use("fip", f[0], strings.ReplaceAll(f[1], "T", " "), strings.ReplaceAll(f[2], "T", " "))
			e.Seq = int64(i + 1)
			entries = append(entries, e)
		}
		return entries
	}
	for _, c := range []struct {
		name         string
		entries      []Entry
		since, until string
		says         string
	}{
		{"January 29 until February 2", held("a 2027-01-29 2027-02-02"), "2027-01-01", "2027-03-01", "2 month of 1: 2"},
		{"January's part of it", held("a 2027-01-29 2027-02-02"), "2027-01-01", "2027-02-01", "1 month of 1: 1"},
		{"February's part of it", held("a 2027-01-29 2027-02-02"), "2027-02-01", "2027-03-01", "1 month of 1: 1"},
		{"it is due on the 29th", held("a 2027-01-29 2027-02-02"), "2027-01-01", "2027-01-29", "nothing"},
		{"and not again on the 30th", held("a 2027-01-29 2027-02-02"), "2027-01-29_00:00:00.001", "2027-02-01", "nothing"},
		{"February is due on its first day", held("a 2027-01-29 2027-02-02"), "2027-02-01", "2027-02-01_00:00:00.001", "1 month of 1: 1"},
		{"released at midnight", held("a 2027-01-29 2027-02-01"), "2027-01-01", "2027-03-01", "1 month of 1: 1"},
		{"released a millisecond later", held("a 2027-01-29 2027-02-01_00:00:00.001"), "2027-01-01", "2027-03-01", "2 month of 1: 2"},
		{"allocated at midnight, for no time", held("a 2027-02-01 2027-02-01"), "2027-01-01", "2027-03-01", "1 month of 1: 1"},
		{"released and allocated again", held("a 2027-01-05 2027-01-06", "a 2027-01-07 2027-01-08", "a 2027-01-09 2027-01-09"), "2027-01-01", "2027-02-01", "1 month of 1: 1"},
		{"again in the second half", held("a 2027-01-05 2027-01-06", "a 2027-01-17 2027-01-18"), "2027-01-15", "2027-02-01", "nothing"},
		{"two addresses", held("a 2027-01-05 2027-01-06", "b 2027-01-05 2027-01-06"), "2027-01-01", "2027-02-01", "2 month of 2: 2"},
		{"a year", held("a 2026-01-01 2027-01-01"), "2026-01-01", "2027-01-01", "12 month of 1: 12"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := charges(t, c.entries, Original(), at(strings.ReplaceAll(c.since, "_", " ")), at(strings.ReplaceAll(c.until, "_", " ")), ByPrice)
			got := "nothing"
			if len(s.Lines) > 0 {
				got = fmt.Sprintf("%s %s of %d: %s", Exact(s.Lines[0].Quantity), s.Lines[0].Unit, s.Lines[0].Count, Exact(s.Total))
			}
			if got != c.says {
				t.Errorf("it is %s, and should be %s", got, c.says)
			}
		})
	}
	// The price is that of the moment at which the month is due.
	book := mustParse(t, whole()+strings.Replace(whole("- from: 2016-08-01", "- from: 2027-01-10", "fip: 1", "fip: 3")[len("currency: USD\nprices:\n"):], "", "", 1))
	s := charges(t, held("a 2027-01-09 2027-02-02", "b 2027-01-10 2027-01-11"), book, at("2027-01-01"), at("2027-03-01"), ByPrice)
	checkBill(t, s, "fip : 1, 1 month at 1 per month = 1.00", "fip : 2, 2 month at 3 per month = 6.00", "total $7.00")
}

// Corrections are lines of their own on a bill, with why they were made.
func TestCorrections(t *testing.T) {
	correct := func(seq int64, amount, note, when string) Entry {
		return Entry{Seq: seq, Kind: Correction, Resource: fmt.Sprint("r", seq), Amount: amount, Note: note, Start: at(when), End: at(when)}
	}
	entries := []Entry{
		correct(4, "-1.50", "the machine was down", "2026-11-20"), correct(3, "0.004", "", "2026-11-10"), correct(5, "-20", "before", "2026-10-31 23:59:59.999"), correct(6, "7", "after", "2026-12-01"),
		use("container s4", "c1", "2026-11-01", "2026-12-01"),
	}
	const from, until = "2026-11-01", "2026-12-01"
	checkBill(t, charges(t, entries, Original(), at(from), at(until), ByPrice),
		"container s4 : 1, 2592000 s at 0.000002 per s = 5.18",
		"correction : 1, 1 = 0.00",
		"correction : 1, 1 = -1.50 the machine was down",
		"total $3.68") // 5.184 + 0.004 - 1.5 = 3.688
	checkBill(t, charges(t, entries, Original(), at(from), at(until), ByKind), "container s4 : 1, 2592000 s = 5.18", "correction : 2, 2 = -1.49", "total $3.68")
	s := charges(t, entries[:2], Original(), at(from), at(until), ByMonth)
	checkBill(t, s, "2026-11 correction : 2, 2 = -1.49", "total -$1.49")
	if s := charges(t, entries[:2], Original(), at(from), at(until), ByResource); len(s.Lines) != 2 || s.Lines[0].Resource != "r3" || s.Lines[1].Resource != "r4" {
		t.Error(s.text())
	}
}

// Lines say what a thing is called now, and whether it goes on.
func TestLinesOfThings(t *testing.T) {
	was := use("container s4", "c1", "2026-11-01", "2026-11-02")
	was.Name = "old"
	is := use("container s4", "c1", "2026-11-10", "2026-11-11")
	is.Name, is.Seq = "web", 0
	grown := use("volume 20", "v1", "2026-11-05", "2026-11-06")
	grown.Seq = 9
	entries := []Entry{is, was, use("container m1", "c2", "2026-11-01", "2026-11-02"), use("volume 10", "v1", "2026-11-01", "2026-11-05"), grown}
	for _, c := range []struct {
		cut  Cut
		want string
	}{
		{ByResource, "container m1 c2 name of c2 false 1 86400; container s4 c1 web true 1 172800; volume v1 name of v1 false 1 5184000"},
		{ByKind, "container s4 true 1 172800; container m1 false 1 86400; volume false 1 5184000"},
		{ByMonth, "2026-11 container s4 true 1 172800; 2026-11 container m1 false 1 86400; 2026-11 volume false 1 5184000"},
		{ByDay, "2026-11-01 container s4 false 1 86400; 2026-11-01 container m1 false 1 86400; 2026-11-01 volume false 1 864000; 2026-11-02 volume false 1 864000; 2026-11-03 volume false 1 864000; " +
			"2026-11-04 volume false 1 864000; 2026-11-05 volume false 1 1728000; 2026-11-10 container s4 true 1 86400"},
	} {
		var lines []string
		for _, l := range charges(t, entries, Original(), at("2026-11-01"), at("2026-12-01"), c.cut).Lines {
			lines = append(lines, strings.Join(strings.Fields(fmt.Sprintln(l.Period, l.Kind, l.Class, l.Resource, l.Name, l.Running, l.Count, Exact(l.Quantity))), " "))
		}
		if got := strings.Join(lines, "; "); got != c.want {
			t.Errorf("by %s the lines are\n%s\nand should be\n%s", c.cut, got, c.want)
		}
	}
	// Of two that are over, the later one says the name, whatever their places.
	first, second := use("container s4", "c1", "2026-11-01", "2026-11-02"), use("container s4", "c1", "2026-11-02", "2026-11-03")
	first.Seq, first.Name, second.Seq, second.Name = 8, "first", 7, "second"
	if s := charges(t, []Entry{second, first}, Original(), at("2026-11-01"), at("2026-12-01"), ByResource); s.Lines[0].Name != "second" {
		t.Error(s.text())
	}
	// An address that is held goes on in this month, and not in those before.
	held := use("fip", "203.0.113.9", "2026-10-01", "2026-11-10")
	held.Seq = 0
	if s := charges(t, []Entry{held}, Original(), at("2026-10-01"), at("2026-12-01"), ByMonth); len(s.Lines) != 2 || s.Lines[0].Running || !s.Lines[1].Running {
		t.Error(s.text())
	}
	// Of a time that is over nothing goes on.
	if s := charges(t, entries, Original(), at("2026-11-01"), at("2026-11-10 12:00"), ByKind); s.Lines[0].Running {
		t.Error(s.text())
	}
}

func TestServices(t *testing.T) {
	s := charges(t, []Entry{use("service", "w", "2026-11-01", "2026-12-01")}, Original(), at("2026-11-01"), at("2026-12-01"), ByPrice)
	checkBill(t, s, "service : 1, 2592000 s at 0.000003 per s = 7.77", "total $7.77")
}
