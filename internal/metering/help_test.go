package metering

import (
	"math/big"
	"strings"
	"testing"
	"time"
)

// at reads a time such as "2026-11-01", "2026-11-01 12:00" or "2026-11-01 12:00:00.5".
func at(text string) time.Time {
	for _, format := range []string{"2006-01-02", "2006-01-02 15:04", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(format, text); err == nil {
			return t
		}
	}
	panic(text)
}

// number reads a decimal or a fraction, such as 1/3.
func number(text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic(text)
	}
	return r
}

func mustParse(t testing.TB, text string) *Book {
	t.Helper()
	b, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// bookOf is a book in whose versions s4 and all that is stored cost that much, a floating IP 1 and everything else nothing. Each is "DAY S4 STORED".
func bookOf(t testing.TB, versions ...string) *Book {
	t.Helper()
	var b strings.Builder
	b.WriteString("currency: USD\nprices:\n")
	for _, v := range versions {
		f := strings.Fields(v)
		b.WriteString("- from: " + f[0] + "\n  container: {s1: 0, s2: 0, s3: 0, s4: " + f[1] + ", m1: 0, m2: 0, m3: 0, l1: 0, l2: 0, l3: 0}\n")
		for _, k := range []string{"rootfs", "volume", "snapshot", "image"} {
			b.WriteString("  " + k + ": " + f[2] + "\n")
		}
		b.WriteString("  fip: 1\n  service: 0\n")
	}
	return mustParse(t, b.String())
}

func charges(t testing.TB, entries []Entry, book *Book, since, until time.Time, by Cut) *Statement {
	t.Helper()
	s, err := Charges(entries, book, since, until, by)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// use is an entry of a kind ("container s4" or "volume 10", by GB) from one time until another.
func use(what, resource, start, end string) Entry {
	kind, more, _ := strings.Cut(what, " ")
	e := Entry{Seq: 1, Kind: Kind(kind), Resource: resource, Name: "name of " + resource, Quantity: 1, Start: at(start), End: at(end)}
	switch {
	case e.Kind == Container:
		e.Class, e.Least = more, Least
	case more != "":
		e.Quantity, e.Least = number(more).Num().Int64(), Least
	}
	return e
}
