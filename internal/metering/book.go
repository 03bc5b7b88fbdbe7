package metering

import (
	_ "embed"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/hypercloud/hyper/internal/oops"
)

// Book is a price book: what things cost, from which day on. It does not change.
type Book struct {
	currency string
	versions []*Prices // by day; there is at least one
}

//go:embed original.yaml
var originalFile []byte

var original = sync.OnceValue(func() *Book {
	b, err := Parse(originalFile)
	if err != nil {
		panic(err) // a test reads it
	}
	return b
})

// Original is the book of the original's published prices.
func Original() *Book { return original() }

// currencyCode is a code of ISO 4217. Lists of them go out of date, so whether there is such a currency is the operator's to know.
var currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)

// FromVersions makes a book of versions in any order: at least one, of one currency, and none with the day of another.
func FromVersions(versions ...*Prices) (*Book, error) {
	if len(versions) == 0 {
		return nil, oops.Invalid("the price book has no versions: it needs at least one, with the day from which on its prices hold")
	}
	b := &Book{currency: versions[0].currency, versions: slices.Clone(versions)}
	slices.SortStableFunc(b.versions, func(p, q *Prices) int { return p.from.Compare(q.from) })
	for i, p := range b.versions {
		if p.currency != b.currency {
			return nil, oops.Invalid("the price book has prices in %s and in %s: it can have one currency only", b.currency, p.currency)
		}
		if i > 0 && p.from.Equal(b.versions[i-1].from) {
			return nil, oops.Invalid("the price book has two versions from %s: give each a day of its own", p.Day())
		}
	}
	return b, nil
}

// Currency is the ISO 4217 code.
func (b *Book) Currency() string { return b.currency }

// Versions lists what there is by day.
func (b *Book) Versions() []*Prices { return slices.Clone(b.versions) }

// At is what things cost at t. It is false before the first version's day.
func (b *Book) At(t time.Time) (*Prices, bool) {
	i := b.at(t)
	if i < 0 {
		return nil, false
	}
	return b.versions[i], true
}

// at is the place of the version that holds at t, -1 if none does.
func (b *Book) at(t time.Time) int {
	i, begins := slices.BinarySearchFunc(b.versions, t, func(p *Prices, t time.Time) int { return p.from.Compare(t) })
	if begins {
		return i
	}
	return i - 1
}
