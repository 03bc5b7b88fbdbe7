package metering

import (
	"strings"
	"testing"

	"github.com/containerd/errdefs"
)

// A price book is refused with a sentence, or gives every thing a price from its first day on, and is the same when it is noted and read again.
func FuzzParse(f *testing.F) {
	f.Add(originalFile)
	for _, seed := range []string{
		"", "currency: USD\nprices: [{from: 2026-01-01, free: true}]", whole("fip: 1", "fip: -1"), whole("fip: 1", "fip: 1e9"), whole("fip: 1", `fip: "1.5"`), whole("fip: 1", "fip: [1]"), whole("s1: 0.0000004", "s1:"),
		whole() + "- from: 2027-01-01\n  free: true\n", "a: &a [*a]", "? a", "{", "- - - -", "currency: USD\nprices:\n- from: 2026-02-30", "%YAML 1.2\n---\n", "!!x", "<<: 1", "a: |\n  b", "'", "\t", "a:\n\t- b", "--- >\n", "{{{{{}}}}}", "#",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := Parse(text)
		if err != nil {
			if !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), "price book") {
				t.Errorf("%q is not for the operator", err)
			}
			return
		}
		var versions []*Prices
		for i, p := range b.Versions() {
			if i > 0 && !b.Versions()[i-1].From().Before(p.From()) {
				t.Errorf("%s comes before %s", b.Versions()[i-1].Day(), p.Day())
			}
			for _, i := range items() {
				if r, ok := p.Of(i.kind, i.class); !ok || r.Sign() < 0 {
					t.Errorf("%s costs %v", i, r)
				}
			}
			again, err := ParseVersion(p.Text())
			if err != nil {
				t.Fatal(err)
			}
			if i, ok := p.equal(again); !ok || again.Text() != p.Text() {
				t.Errorf("%s differs: %s, and again %s", i, p.Text(), again.Text())
			}
			versions = append(versions, again)
		}
		if len(versions) == 0 {
			t.Fatal("it has no versions, and is taken")
		}
		first, last := versions[0].From(), versions[len(versions)-1].From()
		if note, err := b.Extends(versions, last, last); err != nil || len(note) > 0 {
			t.Errorf("it does not extend itself: %v, %d to note", err, len(note))
		}
		var entries []Entry
		for _, i := range items() {
			entries = append(entries, Entry{Kind: i.kind, Class: i.class, Resource: i.String(), Quantity: 1, Start: first, End: last.AddDate(0, 0, 1)})
		}
		if s, err := Charges(entries, b, first, last.AddDate(0, 0, 2), ByPrice); last.Year() < 9990 && (err != nil || len(s.Lines) < len(entries) || s.Total.Sign() < 0) {
			t.Errorf("it cannot be charged by: %v", err)
		}
	})
}

// An amount is the number that stands there, or refused.
func FuzzParseAmount(f *testing.F) {
	for _, seed := range []string{"8.28", "-1.50", "", "-", ".", "1.", ".1", "1e1", "0x1", "1_0", "00", "∞", "1/2", "-0", "+1", "999999999999999999.999999999999", "0.0000000000001"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseAmount(text)
		if err != nil {
			if !errdefs.IsInvalidArgument(err) {
				t.Errorf("%q is not for the user", err)
			}
			return
		}
		if strings.Trim(text, "-0123456789.") != "" || number(text).Cmp(r) != 0 {
			t.Errorf("%q is %v", text, r)
		}
		if again, err := ParseAmount(Exact(r)); err != nil || again.Cmp(r) != 0 {
			t.Errorf("%q is %s, and again %v (%v)", text, Exact(r), again, err)
		}
	})
}
