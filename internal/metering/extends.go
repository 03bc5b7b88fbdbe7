package metering

import (
	"time"

	"github.com/hypercloud/hyper/internal/oops"
)

// noteAhead is how long before its day a version is noted. If it were noted at that moment only, a hyperd that ended right after it would leave prices
// that have been in force and are not noted.
const noteAhead = 5 * time.Minute

// Extends sees that a book alters nothing of the past, and says which of its versions are to be noted now: those not noted yet that hold, or held, or
// will in five minutes.
//
// What is noted binds for good; a version that is not may be changed or left out. So of a book that extends what is noted, the noted versions and
// the book's others are together the book itself, and bills are computed by that.
//
// Seen is the time up to which bills may have been computed without this book: the last of which it is known that hyperd was there, or now if hyperd is
// given another book while it runs. Prices that are not noted can begin after that day only. It is not simply now, because hyperd may be
// away when the day of a version comes that it knew of. Call Extends, and note what it says, when hyperd starts, before anything is written
// to the ledger; and then once a minute, with the same book and the time of the last call as seen. Without anything noted seen does not matter.
//
// All times are the ledger's. Errors: ErrConflict, a sentence for the operator.
func (b *Book) Extends(noted []*Prices, seen, now time.Time) (note []*Prices, err error) {
	const instead = "put it back, and give other prices from a day on that is still to come"
	known := make(map[time.Time]bool, len(noted))
	for _, p := range noted {
		if p.currency != b.currency {
			return nil, oops.Conflict("the price book is in %s, and prices in %s are noted for good: the currency cannot change", b.currency, p.currency)
		}
		known[p.from] = true
		i := b.at(p.from)
		if i < 0 || !b.versions[i].from.Equal(p.from) {
			return nil, oops.Conflict("the price book has no version from %s any more, and its prices are noted for good: %s", p.Day(), instead)
		}
		if differs, ok := p.equal(b.versions[i]); !ok {
			was, _ := p.Of(differs.kind, differs.class)
			return nil, oops.Conflict("the price book has another price of %s from %s on than %s, which is noted for good: %s", differs, p.Day(), Exact(was), instead)
		}
	}
	for _, p := range b.versions {
		switch {
		case known[p.from]:
		case len(noted) > 0 && !p.from.After(seen):
			return nil, oops.Conflict("the price book has a new version from %s, and that day has begun already: prices can change from %s on at the earliest", p.Day(), tomorrow(now).Format(dayFormat))
		case !p.from.After(now.Add(noteAhead)):
			note = append(note, p)
		}
	}
	if _, ok := b.At(now); !ok {
		return nil, oops.Conflict("no prices hold today: the first version of the price book is from %s; give one from %s or earlier", b.versions[0].Day(), now.UTC().Format(dayFormat))
	}
	return note, nil
}

func tomorrow(now time.Time) time.Time {
	year, month, day := now.UTC().Date()
	return time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
}
