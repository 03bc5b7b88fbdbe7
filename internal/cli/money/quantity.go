package money

import (
	"math/big"
	"strings"

	"github.com/hypercloud/hyper/internal/metering"
)

// Units of quantities, as the API names them.
const (
	Seconds     = "s"
	GBSeconds   = "GB s"
	GBMonths    = "GB month" // of 30 days
	Months      = "month"    // of the calendar
	Hour        = 3600       // seconds
	ThirtyDays  = 2592000    // seconds
	hoursSuffix = "h"
)

// Quantity writes a quantity of use: seconds in hours with two decimals, cut (12.50 h, 125.00 GB h), and what is shorter than an hour in seconds,
// uncut (754.201 s). Other units are left as they are.
func Quantity(quantity, unit string) string {
	r := rat(quantity)
	if r == nil || unit != Seconds && unit != GBSeconds {
		return strings.TrimSpace(quantity + " " + plural(unit, quantity))
	}
	if new(big.Rat).Abs(r).Cmp(big.NewRat(Hour, 1)) < 0 {
		return metering.Exact(r) + " " + unit
	}
	return metering.Decimal(r.Quo(r, big.NewRat(Hour, 1)), 2) + " " + strings.TrimSuffix(unit, Seconds) + hoursSuffix
}

// Charged writes a quantity in the unit that it is paid by: storage that has a price by the month in months of 30 days, cut after two decimals, if it is a
// hundredth of one at least.
func Charged(quantity, unit, priceUnit string) string {
	r := rat(quantity)
	if r == nil || unit != GBSeconds || priceUnit != GBMonths || new(big.Rat).Abs(r).Cmp(big.NewRat(ThirtyDays, 100)) < 0 {
		return Quantity(quantity, unit)
	}
	return metering.Decimal(r.Quo(r, big.NewRat(ThirtyDays, 1)), 2) + " " + GBMonths
}

func plural(unit, quantity string) string {
	if unit == Months && quantity != "1" {
		return "months"
	}
	return unit
}
