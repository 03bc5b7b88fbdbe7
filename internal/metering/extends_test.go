package metering

import (
	"strings"
	"testing"

	"github.com/containerd/errdefs"
)

func TestExtends(t *testing.T) {
	for _, c := range []struct {
		name, noted, book string // versions, as of bookOf
		seen, now         string
		note              string // days
		says              string
	}{
		{name: "first use", book: "2016-08-01 1 1", now: "2026-11-27 09:00", note: "2016-08-01"},
		{name: "first use of a book with a past and a future", book: "2027-01-01 3 1, 2016-08-01 1 1, 2026-11-27 2 1", now: "2026-11-27", note: "2016-08-01 2026-11-27"},
		{name: "first use, prices to come", book: "2026-12-01 1 1, 2027-01-01 2 1", now: "2026-11-27 09:00",
			says: "no prices hold today: the first version of the price book is from 2026-12-01; give one from 2026-11-27 or earlier"},
		{name: "the same", noted: "2016-08-01 1 1", book: "2016-08-01 1 1", seen: "2026-11-27", now: "2026-11-27"},
		{name: "the same numbers in other words", noted: "2016-08-01 0.1 1.0", book: "2016-08-01 0.10 1", seen: "2026-11-27", now: "2026-11-27"},
		{name: "prices to come", noted: "2016-08-01 1 1", book: "2016-08-01 1 1, 2026-11-28 2 1", seen: "2026-11-27", now: "2026-11-27 23:54:59.999"},
		{name: "five minutes before their day", noted: "2016-08-01 1 1", book: "2016-08-01 1 1, 2026-11-28 2 1", seen: "2026-11-27 23:54", now: "2026-11-27 23:55", note: "2026-11-28"},
		{name: "hyperd was away when their day came", noted: "2016-08-01 1 1", book: "2016-08-01 1 1, 2026-11-28 2 1", seen: "2026-11-27 22:00", now: "2026-12-24", note: "2026-11-28"},
		{name: "from today", noted: "2016-08-01 1 1", book: "2016-08-01 1 1, 2026-11-27 2 1", seen: "2026-11-27 00:00", now: "2026-11-27 00:00",
			says: "the price book has a new version from 2026-11-27, and that day has begun already: prices can change from 2026-11-28 on at the earliest"},
		{name: "from a day in the past", noted: "2016-08-01 1 1", book: "2016-08-01 1 1, 2020-01-01 2 1", seen: "2026-11-30", now: "2026-11-30 12:00",
			says: "the price book has a new version from 2020-01-01, and that day has begun already: prices can change from 2026-12-01 on at the earliest"},
		{name: "from before all", noted: "2016-08-01 1 1", book: "2015-01-01 1 1, 2016-08-01 1 1", seen: "2026-11-27", now: "2026-11-27",
			says: "the price book has a new version from 2015-01-01, and that day has begun already: prices can change from 2026-11-28 on at the earliest"},
		{name: "the past changed", noted: "2016-08-01 0.1 1", book: "2016-08-01 0.2 1", seen: "2026-11-27", now: "2026-11-27",
			says: "the price book has another price of container s4 from 2016-08-01 on than 0.1, which is noted for good: put it back, and give other prices from a day on that is still to come"},
		{name: "something stored changed", noted: "2016-08-01 1 1, 2020-01-01 1 2", book: "2016-08-01 1 1, 2020-01-01 1 2.000000000001", seen: "2026-11-27", now: "2026-11-27",
			says: "the price book has another price of rootfs from 2020-01-01 on than 2, which is noted for good: put it back, and give other prices from a day on that is still to come"},
		{name: "a version dropped", noted: "2016-08-01 1 1, 2020-01-01 1 2", book: "2016-08-01 1 1", seen: "2026-11-27", now: "2026-11-27",
			says: "the price book has no version from 2020-01-01 any more, and its prices are noted for good: put it back, and give other prices from a day on that is still to come"},
		{name: "the first dropped", noted: "2016-08-01 1 1, 2020-01-01 1 2", book: "2020-01-01 1 2", seen: "2026-11-27", now: "2026-11-27",
			says: "the price book has no version from 2016-08-01 any more, and its prices are noted for good: put it back, and give other prices from a day on that is still to come"},
		{name: "a day moved", noted: "2016-08-01 1 1", book: "2016-08-02 1 1", seen: "2026-11-27", now: "2026-11-27",
			says: "the price book has no version from 2016-08-01 any more, and its prices are noted for good: put it back, and give other prices from a day on that is still to come"},
		{name: "noted, and its day is to come", noted: "2016-08-01 1 1, 2026-11-28 2 1", book: "2016-08-01 1 1, 2026-11-28 3 1", seen: "2026-11-27 23:56", now: "2026-11-27 23:56",
			says: "the price book has another price of container s4 from 2026-11-28 on than 2, which is noted for good: put it back, and give other prices from a day on that is still to come"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var noted []*Prices
			if c.noted != "" {
				for _, p := range bookOf(t, strings.Split(c.noted, ", ")...).Versions() {
					again, err := ParseVersion(p.Text())
					if err != nil {
						t.Fatal(err)
					}
					noted = append(noted, again)
				}
			}
			seen := at("0001-01-01")
			if c.seen != "" {
				seen = at(c.seen)
			}
			note, err := bookOf(t, strings.Split(c.book, ", ")...).Extends(noted, seen, at(c.now))
			if c.says != "" {
				if err == nil || err.Error() != c.says || !errdefs.IsConflict(err) {
					t.Errorf("it says %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var days []string
			for _, p := range note {
				days = append(days, p.Day())
			}
			if got := strings.Join(days, " "); got != c.note {
				t.Errorf("%q is to be noted, and should be %q", got, c.note)
			}
		})
	}
}

func TestCurrencyIsForGood(t *testing.T) {
	dollars := Original().Versions()
	euros := mustParse(t, whole("currency: USD", "currency: EUR"))
	_, err := euros.Extends(dollars, at("2026-11-27"), at("2026-11-27"))
	if err == nil || err.Error() != "the price book is in EUR, and prices in USD are noted for good: the currency cannot change" || !errdefs.IsConflict(err) {
		t.Error(err)
	}
}

// A Hyper that knows one more thing that has a price asks for its price in versions that were noted without it.
func TestMoreThanWasNoted(t *testing.T) {
	few, err := ParseVersion(`{"currency":"USD","from":"2016-08-01","container":{"s1":"0.0000004"},"fip":"1"}`)
	if err != nil {
		t.Fatal(err)
	}
	if note, err := Original().Extends([]*Prices{few}, at("2026-11-27"), at("2026-11-27")); err != nil || len(note) > 0 {
		t.Errorf("%v, %v", note, err)
	}
	book, err := FromVersions(few)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := book.Extends(Original().Versions(), at("2026-11-27"), at("2026-11-27")); err == nil || !strings.HasPrefix(err.Error(), "the price book has another price of container s2 from 2016-08-01 on than 0.0000006") {
		t.Errorf("fewer prices than are noted: %v", err)
	}
}

// Whatever is noted minute by minute, and whenever hyperd is away, a book that was accepted goes on being accepted, and its prices are noted before they hold
// or before hyperd writes anything after it was away.
func TestBookGoesOnBeingAccepted(t *testing.T) {
	book := bookOf(t, "2016-08-01 1 1", "2026-11-28 2 1", "2026-11-29 3 1")
	for _, away := range []struct{ name, from, until string }{
		{"never", "2030-01-01", "2030-01-01"},
		{"over the beginning of a day", "2026-11-27 23:59", "2026-11-28 00:01"},
		{"just after it", "2026-11-28 00:00:30", "2026-11-28 00:05"},
		{"for two days", "2026-11-27 20:00", "2026-11-29 20:00"},
	} {
		t.Run(away.name, func(t *testing.T) {
			noted := map[string]bool{}
			var list []*Prices
			seen := at("2026-11-27 12:00")
			for now := seen; now.Before(at("2026-11-30")); now = now.Add(59500 * 1e6) {
				if !now.Before(at(away.from)) && now.Before(at(away.until)) {
					seen = at(away.from)
					continue
				}
				note, err := book.Extends(list, seen, now)
				if err != nil {
					t.Fatalf("at %s: %v", now, err)
				}
				for _, p := range note {
					if noted[p.Day()] {
						t.Fatalf("%s is to be noted twice", p.Day())
					}
					noted[p.Day()] = true
					list = append(list, p)
				}
				if p, _ := book.At(now); !noted[p.Day()] {
					t.Fatalf("at %s prices hold that are not noted", now)
				}
				seen = now
			}
			if len(list) != 3 {
				t.Errorf("%d versions are noted", len(list))
			}
		})
	}
}
