package metering

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
)

func TestOriginalPrices(t *testing.T) {
	b := Original()
	if b.Currency() != "USD" || len(b.Versions()) != 1 {
		t.Fatalf("the original's book has %d versions in %s", len(b.Versions()), b.Currency())
	}
	p, ok := b.At(at("2016-08-01"))
	if !ok {
		t.Fatal("it has no prices on its first day")
	}
	for _, c := range []struct{ kind, class, price string }{
		{"container", "s1", "0.0000004"}, {"container", "s2", "0.0000006"}, {"container", "s3", "0.000001"}, {"container", "s4", "0.000002"}, {"container", "m1", "0.000004"},
		{"container", "m2", "0.000008"}, {"container", "m3", "0.000015"}, {"container", "l1", "0.00003"}, {"container", "l2", "0.00006"}, {"container", "l3", "0.00012"},
		{"rootfs", "", "0.1"}, {"volume", "", "0.1"}, {"snapshot", "", "0.05"}, {"image", "", "0.1"}, {"fip", "", "1"}, {"service", "", "0.000003"},
	} {
		if r, ok := p.Of(Kind(c.kind), c.class); !ok || r.Cmp(number(c.price)) != 0 || Exact(r) != c.price {
			t.Errorf("%s %s costs %v", c.kind, c.class, r)
		}
	}
	if _, ok := p.Of(Container, "xxl"); ok {
		t.Error("a size that does not exist has a price")
	}
	if _, ok := p.Of(Correction, ""); ok {
		t.Error("a correction has a price")
	}
}

// Table 2.1 of the rules: what each size costs for an hour, and for 30 days cut to cents.
func TestTableOfSizes(t *testing.T) {
	p, _ := Original().At(at("2026-11-27"))
	for _, c := range []struct{ size, hour, month string }{
		{"s1", "0.00144", "1.03"}, {"s2", "0.00216", "1.55"}, {"s3", "0.0036", "2.59"}, {"s4", "0.0072", "5.18"}, {"m1", "0.0144", "10.36"},
		{"m2", "0.0288", "20.73"}, {"m3", "0.054", "38.88"}, {"l1", "0.108", "77.76"}, {"l2", "0.216", "155.52"}, {"l3", "0.432", "311.04"},
	} {
		second, ok := p.PerSecond(Container, c.size)
		if !ok {
			t.Fatalf("%s has no price", c.size)
		}
		hour := new(big.Rat).Mul(second, number("3600"))
		month := new(big.Rat).Mul(second, number("2592000"))
		if Exact(hour) != c.hour || Cents(month) != c.month {
			t.Errorf("%s costs %s an hour and %s a month", c.size, Exact(hour), Cents(month))
		}
	}
	for _, c := range []struct{ kind, second string }{{"rootfs", "1/25920000"}, {"volume", "1/25920000"}, {"image", "1/25920000"}, {"snapshot", "1/51840000"}, {"service", "0.000003"}} {
		if r, ok := p.PerSecond(Kind(c.kind), ""); !ok || r.Cmp(number(c.second)) != 0 {
			t.Errorf("%s costs %v a second", c.kind, r)
		}
	}
	if _, ok := p.PerSecond(FloatingIP, ""); ok {
		t.Error("a floating IP has a price by the second")
	}
}

// whole is the file of a book, with a few lines of it changed; a line that becomes "" is left out.
func whole(changes ...string) string {
	lines := strings.Split(strings.TrimSpace(string(originalFile)), "\n")
	for i, l := range lines {
		lines[i], _, _ = strings.Cut(l, "#")
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	for i := 0; i+1 < len(changes); i += 2 {
		at := slices.IndexFunc(lines, func(l string) bool { return strings.TrimSpace(l) == changes[i] })
		if at < 0 {
			panic(changes[i])
		}
		lines[at] = strings.Replace(lines[at], changes[i], changes[i+1], 1)
	}
	lines = slices.DeleteFunc(lines, func(l string) bool { return strings.TrimSpace(l) == "" })
	return strings.Join(lines, "\n") + "\n"
}

func TestBooksThatAreNone(t *testing.T) {
	tooMany := "currency: USD\nprices:\n"
	for day := at("2020-01-01"); day.Before(at("2022-12-01")); day = day.AddDate(0, 0, 1) {
		tooMany += "- {from: " + day.Format(dayFormat) + ", free: true}\n"
	}
	for _, c := range []struct{ name, text, says string }{
		{"empty", "", "the file of the price book is empty: it needs a currency and prices"},
		{"only a comment", "# nothing\n", "the file of the price book is empty: it needs a currency and prices"},
		{"too large", strings.Repeat("#", 64<<10+1), "the file of a price book has at most 64 KiB, this one has 65"},
		{"no text", "currency: \xff", "the file of the price book is not text in UTF-8"},
		{"no YAML", "currency: [", "line 1 of the price book: sequence end token ']' not found"},
		{"a list", "- 1\n", "line 1 of the price book: the price book is a list, and should be names with values"},
		{"two documents", whole() + "---\n" + whole(), "line 22 of the price book: a second document begins here, and a file is one price book"},
		{"an alias", whole("rootfs: 0.1", "rootfs: &a 0.1", "volume: 0.1", "volume: *a"), "line 15 of the price book: anchors and aliases are not taken: write the prices out"},
		{"a tag", whole("rootfs: 0.1", "rootfs: !!float 0.1"), "line 15 of the price book: !!float is not taken: a file has names, values and lists only"},
		{"deep", "a: " + strings.Repeat("[", 30000), "line 1 of the price book: this is nested deeper than a price book is"},
		{"deep lists", strings.Repeat("- ", 30000), "line 1 of the price book: this is nested deeper than a price book is"},

		{"no currency", whole("currency: USD", ""), "the price book has no currency: give its ISO 4217 code, such as USD"},
		{"small letters", whole("currency: USD", "currency: usd"), `line 1 of the price book: the currency is "usd", and should be an ISO 4217 code, three capital letters such as USD`},
		{"a sign", whole("currency: USD", "currency: $"), `line 1 of the price book: the currency is "$", and should be an ISO 4217 code, three capital letters such as USD`},
		{"a list of currencies", whole("currency: USD", "currency: [USD]"), "line 1 of the price book: the currency is a list, and should be an ISO 4217 code, three capital letters such as USD"},
		{"an unknown key", "tax: 1\n" + whole(), `line 1 of the price book: there is no "tax" in the price book: choose of currency, prices`},
		{"a key twice", whole() + "currency: EUR\n", `line 21 of the price book: mapping key "currency" already defined at [1:1]`},

		{"no prices", "currency: USD\n", "the price book has no versions: it needs at least one under prices, with the day from which on they hold"},
		{"prices of nothing", "currency: USD\nprices:\n", "the price book has no versions: it needs at least one under prices, with the day from which on they hold"},
		{"an empty list", "currency: USD\nprices: []\n", "the price book has no versions: it needs at least one under prices, with the day from which on they hold"},
		{"no list", "currency: USD\nprices: {from: 2026-01-01}\n", "line 2 of the price book: prices is names with values, and should be a list of versions, each with a day (from)"},
		{"too many", tooMany, "the price book has 1065 versions, and can have 1000"},
		{"a version of a word", "currency: USD\nprices: [free]\n", `line 2 of the price book: a version is "free", and should be names with values`},

		{"no day", "currency: USD\nprices: [{free: true}]\n", "line 2 of the price book: a version does not say from which day on it holds: give from, such as 2026-11-27"},
		{"no such day", whole("- from: 2016-08-01", "- from: 2026-02-30"), `line 3 of the price book: from is "2026-02-30", which is not a day: write one as 2026-11-27, without a time`},
		{"a short day", whole("- from: 2016-08-01", "- from: 2026-1-1"), `line 3 of the price book: from is "2026-1-1", which is not a day: write one as 2026-11-27, without a time`},
		{"a time of day", whole("- from: 2016-08-01", "- from: 2026-01-01 12:00:00"), `line 3 of the price book: from is "2026-01-01 12:00:00", which is not a day: write one as 2026-11-27, without a time`},
		{"a time", whole("- from: 2016-08-01", "- from: 2026-01-01T00:00:00Z"), `line 3 of the price book: from is "2026-01-01T00:00:00Z", which is not a day: write one as 2026-11-27, without a time`},
		{"a year", whole("- from: 2016-08-01", "- from: 2016"), `line 3 of the price book: from is "2016", which is not a day: write one as 2026-11-27, without a time`},
		{"the year 0", whole("- from: 2016-08-01", "- from: 0000-01-01"), `line 3 of the price book: from is "0000-01-01", which is not a day: write one as 2026-11-27, without a time`},
		{"from nothing", whole("- from: 2016-08-01", "- from:"), `line 3 of the price book: from is nothing, which is not a day: write one as 2026-11-27, without a time`},
		{"two of a day", "currency: USD\nprices:\n- {from: 2026-01-01, free: true}\n- {from: 2026-02-01, free: true}\n- {from: 2026-01-01, free: true}\n",
			"line 5 of the price book: there is another version from 2026-01-01: give each a day of its own"},

		{"a missing size", whole("m2: 0.000008", ""), "line 3 of the price book: the prices from 2016-08-01 have none of container m2: give one, which is 0 if it costs nothing"},
		{"no sizes", "currency: USD\nprices: [{from: 2026-01-01, rootfs: 0}]\n", "line 2 of the price book: the prices from 2026-01-01 have none of container s1: give one, which is 0 if it costs nothing"},
		{"a missing item", whole("snapshot: 0.05", ""), "line 3 of the price book: the prices from 2016-08-01 have none of snapshot: give one, which is 0 if it costs nothing"},
		{"an item of nothing", whole("fip: 1", "fip:"), "line 3 of the price book: the prices from 2016-08-01 have none of fip: give one, which is 0 if it costs nothing"},
		{"an unknown size", whole("m3: 0.000015", "m4: 0.000015"), `line 11 of the price book: there is no size "m4": choose of s1, s2, s3, s4, m1, m2, m3, l1, l2, l3`},
		{"an unknown item", whole("volume: 0.1", "volumes: 0.1"), `line 16 of the price book: there is no "volumes" in a version: choose of container, fip, free, from, image, rootfs, service, snapshot, volume`},
		{"a size twice", whole("m3: 0.000015", "m2: 0.000015"), `line 11 of the price book: mapping key "m2" already defined at [10:7]`},
		{"sizes as a list", "currency: USD\nprices: [{from: 2026-01-01, container: [1]}]\n", "line 2 of the price book: container is a list, and should be names with values"},

		{"a negative price", whole("rootfs: 0.1", "rootfs: -0.1"), "line 15 of the price book: the price of rootfs is -0.1, and a price cannot be negative: what costs nothing costs 0"},
		{"a negative price in quotes", whole("s1: 0.0000004", `s1: "-1"`), "line 5 of the price book: the price of container s1 is -1, and a price cannot be negative: what costs nothing costs 0"},
		{"a word", whole("rootfs: 0.1", "rootfs: cheap"), `line 15 of the price book: the price of rootfs is "cheap", which is not a decimal number such as 0.0000004`},
		{"true", whole("rootfs: 0.1", "rootfs: true"), `line 15 of the price book: the price of rootfs is "true", which is not a decimal number such as 0.0000004`},
		{"an exponent", whole("s1: 0.0000004", "s1: 4e-7"), `line 5 of the price book: the price of container s1 is "4e-7", which is not a decimal number such as 0.0000004`},
		{"a float with an exponent", whole("s1: 0.0000004", "s1: 4.0e-7"), `line 5 of the price book: the price of container s1 is "4.0e-7", which is not a decimal number such as 0.0000004`},
		{"a plus", whole("fip: 1", "fip: +1"), `line 19 of the price book: the price of fip is "+1", which is not a decimal number such as 0.0000004`},
		{"not a number", whole("fip: 1", "fip: .nan"), `line 19 of the price book: the price of fip is ".nan", which is not a decimal number such as 0.0000004`},
		{"infinite", whole("fip: 1", "fip: .inf"), `line 19 of the price book: the price of fip is ".inf", which is not a decimal number such as 0.0000004`},
		{"hexadecimal", whole("fip: 1", "fip: 0x1"), `line 19 of the price book: the price of fip is "0x1", which is not a decimal number such as 0.0000004`},
		{"octal", whole("fip: 1", "fip: 010"), `line 19 of the price book: the price of fip is "010", which is not a decimal number such as 0.0000004`},
		{"an underscore", whole("fip: 1", "fip: 1_000"), `line 19 of the price book: the price of fip is "1_000", which is not a decimal number such as 0.0000004`},
		{"a comma", whole("fip: 1", "fip: 1,5"), `line 19 of the price book: the price of fip is "1,5", which is not a decimal number such as 0.0000004`},
		{"nothing before the point", whole("fip: 1", "fip: .5"), `line 19 of the price book: the price of fip is ".5", which is not a decimal number such as 0.0000004`},
		{"nothing after the point", whole("fip: 1", "fip: 1."), `line 19 of the price book: the price of fip is "1.", which is not a decimal number such as 0.0000004`},
		{"other digits", whole("fip: 1", "fip: ١"), `line 19 of the price book: the price of fip is "١", which is not a decimal number such as 0.0000004`},
		{"empty quotes", whole("fip: 1", `fip: ""`), `line 19 of the price book: the price of fip is "", which is not a decimal number such as 0.0000004`},
		{"a list for a price", whole("fip: 1", "fip: [1]"), `line 19 of the price book: the price of fip is a list, and should be a decimal number such as 0.0000004`},
		{"13 digits", whole("fip: 1", "fip: 1000000000000"), "line 19 of the price book: the price of fip is 1000000000000, which is too long: a number has up to 12 digits before the point and 12 after it"},
		{"13 places", whole("fip: 1", "fip: 0.0000000000001"), "line 19 of the price book: the price of fip is 0.0000000000001, which is too long: a number has up to 12 digits before the point and 12 after it"},

		{"free and not", "currency: USD\nprices:\n- from: 2026-01-01\n  free: true\n  fip: 1\n", "line 5 of the price book: the version from 2026-01-01 is free, and has a price of fip: leave one of them out"},
		{"not free", "currency: USD\nprices: [{from: 2026-01-01, free: false}]\n", `line 2 of the price book: free is "false", and can only be true: leave it out where things have prices`},
		{"maybe free", "currency: USD\nprices: [{from: 2026-01-01, free: \"true\"}]\n", `line 2 of the price book: free is "true", and can only be true: leave it out where things have prices`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := Parse([]byte(c.text))
			if err == nil {
				t.Fatalf("it is taken, as %v", b.Versions()[0].Text())
			}
			if err.Error() != c.says || !errdefs.IsInvalidArgument(err) {
				t.Errorf("it says %q (invalid: %v), and should %q", err, errdefs.IsInvalidArgument(err), c.says)
			}
		})
	}
}

func TestNumbersAreTakenAsTheyStand(t *testing.T) {
	// No float of 64 bits is one of these.
	for _, text := range []string{"0.1", "0.10", `"0.1"`, "'0.1'", "999999999999.999999999999", "123456789012.000000000001", "0.000000000001", "0", "0.0"} {
		b := mustParse(t, whole("fip: 1", "fip: "+text))
		p, _ := b.At(at("2026-01-01"))
		if r, _ := p.Of(FloatingIP, ""); r.Cmp(number(strings.Trim(text, `"'`))) != 0 {
			t.Errorf("%s is %v", text, r)
		}
	}
}

func TestVersionsAreSorted(t *testing.T) {
	b := mustParse(t, "currency: EUR\nprices:\n- {from: 2026-03-01, free: true}\n- {from: 2026-01-01, free: true}\n- {from: '2026-02-01', free: true}\n")
	var days []string
	for _, p := range b.Versions() {
		days = append(days, p.Day())
	}
	if got := strings.Join(days, " "); got != "2026-01-01 2026-02-01 2026-03-01" {
		t.Error(got)
	}
	for _, c := range []struct{ at, day string }{
		{"2025-12-31 23:59:59.999", ""}, {"2026-01-01", "2026-01-01"}, {"2026-01-31 23:59:59.999", "2026-01-01"}, {"2026-02-01", "2026-02-01"}, {"2030-01-01", "2026-03-01"},
	} {
		p, ok := b.At(at(c.at))
		if ok != (c.day != "") || ok && p.Day() != c.day {
			t.Errorf("at %s the prices are those of %v", c.at, p)
		}
	}
	// A day is UTC's, wherever the asker is.
	if p, _ := b.At(time.Date(2026, 2, 1, 1, 0, 0, 0, time.FixedZone("", 2*60*60))); p.Day() != "2026-01-01" {
		t.Errorf("the prices are those of %s", p.Day())
	}
}

func TestFree(t *testing.T) {
	p := mustParse(t, "currency: USD\nprices: [{from: 2026-01-01, free: true}]\n").Versions()[0]
	for _, i := range items() {
		if r, ok := p.Of(i.kind, i.class); !ok || r.Sign() != 0 {
			t.Errorf("%s costs %v", i, r)
		}
	}
}

func TestVersionsAsText(t *testing.T) {
	p := Original().Versions()[0]
	const text = `{"currency":"USD","from":"2016-08-01","container":{"l1":"0.00003","l2":"0.00006","l3":"0.00012","m1":"0.000004","m2":"0.000008","m3":"0.000015","s1":"0.0000004","s2":"0.0000006","s3":"0.000001","s4":"0.000002"},` +
		`"rootfs":"0.1","volume":"0.1","snapshot":"0.05","image":"0.1","fip":"1","service":"0.000003"}`
	if p.Text() != text {
		t.Errorf("the text is %s", p.Text())
	}
	again, err := ParseVersion(text)
	if err != nil {
		t.Fatal(err)
	}
	if i, ok := p.equal(again); !ok || again.Text() != text || !again.From().Equal(p.From()) || again.Currency() != "USD" {
		t.Errorf("it is %s again, and differs in %s", again.Text(), i)
	}
	few, err := ParseVersion(`{"currency":"USD","from":"2016-08-01","container":{"s1":"1"}}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := few.Of(FloatingIP, ""); ok {
		t.Error("what was not noted has a price")
	}
	for _, c := range []struct{ text, says string }{
		{``, "a noted version of the price book cannot be read: EOF"},
		{`{"tax":1}`, `a noted version of the price book cannot be read: json: unknown field "tax"`},
		{`{} {}`, "a noted version of the price book has something behind its end"},
		{`{"currency":"usd","from":"2016-08-01"}`, `a noted version of the price book has the currency "usd"`},
		{`{"currency":"USD","from":"2016-8-1"}`, `a noted version of the price book is from "2016-8-1", which is no day`},
		{`{"currency":"USD","from":"2016-08-01","container":{"m4":"1"}}`, `the noted prices from 2016-08-01 have one of the size "m4", which does not exist`},
		{`{"currency":"USD","from":"2016-08-01","fip":"1e3"}`, `the noted prices from 2016-08-01: fip is "1e3", which is not a decimal number such as 0.0000004`},
		{`{"currency":"USD","from":"2016-08-01","fip":"-1"}`, `the noted prices from 2016-08-01: fip is -1, and a price cannot be negative: what costs nothing costs 0`},
	} {
		if _, err := ParseVersion(c.text); err == nil || err.Error() != c.says {
			t.Errorf("%s: %v", c.text, err)
		}
	}
}

func TestFromVersions(t *testing.T) {
	free := func(currency, from string) *Prices {
		return mustParse(t, fmt.Sprintf("currency: %s\nprices: [{from: %s, free: true}]\n", currency, from)).Versions()[0]
	}
	b, err := FromVersions(free("USD", "2026-02-01"), free("USD", "2026-01-01"))
	if err != nil || b.Versions()[0].Day() != "2026-01-01" || b.Currency() != "USD" {
		t.Errorf("%v, %v", b, err)
	}
	for _, c := range []struct {
		versions []*Prices
		says     string
	}{
		{nil, "the price book has no versions: it needs at least one, with the day from which on its prices hold"},
		{[]*Prices{free("USD", "2026-01-01"), free("EUR", "2026-02-01")}, "the price book has prices in USD and in EUR: it can have one currency only"},
		{[]*Prices{free("USD", "2026-01-01"), free("USD", "2026-01-01")}, "the price book has two versions from 2026-01-01: give each a day of its own"},
	} {
		if _, err := FromVersions(c.versions...); err == nil || err.Error() != c.says || !errors.Is(err, errdefs.ErrInvalidArgument) {
			t.Errorf("%v", err)
		}
	}
}

// What is given out is the asker's own.
func TestBooksDoNotChange(t *testing.T) {
	p := Original().Versions()[0]
	r, _ := p.Of(FloatingIP, "")
	r.SetInt64(99)
	Original().Versions()[0] = nil
	if again, _ := Original().Versions()[0].Of(FloatingIP, ""); Exact(again) != "1" {
		t.Errorf("a floating IP costs %s now", Exact(again))
	}
}
