package metering

import (
	"fmt"
	"math/big"
	"time"
)

// mostGB is far more than there is of anything, and little enough for tally.
const mostGB = 1 << 40

// Ledgers begin and end within these.
var (
	earliest = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
)

// check sees that an entry is one. The amount is a correction's.
func (e *Entry) check() (amount *big.Int, err error) {
	_, known := rank(e.Kind)
	switch {
	case !known:
		return nil, e.wrong("its kind is %q, which does not exist", clip(string(e.Kind)))
	case e.End.Before(e.Start):
		return nil, e.wrong("it ends before it begins")
	case e.Least < 0:
		return nil, e.wrong("the least that is charged is negative, %s", e.Least)
	case e.Start.Before(earliest) || e.End.After(latest):
		return nil, e.wrong("its times are beyond the years 1 to 9998")
	case e.Start.Nanosecond()%int(Resolution) != 0 || e.End.Nanosecond()%int(Resolution) != 0 || e.Least%Resolution != 0:
		return nil, e.wrong("its times are not in whole milliseconds")
	case e.Kind == Correction:
		amount, err = parseAmount(e.Amount)
		if err != nil {
			return nil, e.wrong("%v", err)
		}
		return amount, nil
	case e.Quantity < 1:
		return nil, e.wrong("its quantity is %d, and is at least 1", e.Quantity)
	}
	switch unit, _ := units(e.Kind); {
	case unit == unitGBSecond && e.Quantity > mostGB:
		return nil, e.wrong("it is of %d GB, and can be of %d", e.Quantity, int64(mostGB))
	case unit != unitGBSecond && e.Quantity != 1:
		return nil, e.wrong("its quantity is %d, and can only be 1", e.Quantity)
	}
	return nil, nil
}

// wrong is a complaint about an entry. That is nothing that a user does, so it has no class.
func (e *Entry) wrong(format string, args ...any) error {
	place := "the use that goes on"
	if e.Seq > 0 {
		place = fmt.Sprintf("entry %d of the ledger", e.Seq)
	}
	return fmt.Errorf("%s (%s %q from %s) cannot be charged: %s",
		place, clip(string(e.Kind)), clip(e.Resource), e.Start.UTC().Format(time.RFC3339Nano), fmt.Sprintf(format, args...))
}

// rank is where a kind is in the order of bills.
func rank(k Kind) (int, bool) {
	switch k {
	case Container:
		return 0, true
	case RootFS:
		return 1, true
	case Volume:
		return 2, true
	case Snapshot:
		return 3, true
	case Image:
		return 4, true
	case FloatingIP:
		return 5, true
	case Service:
		return 6, true
	case Correction:
		return 7, true
	}
	return 0, false
}
