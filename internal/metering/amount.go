package metering

import (
	"math/big"
	"strings"

	"github.com/hypercloud/hyper/internal/oops"
)

// ParseAmount reads an amount of money: a decimal number such as 8.28 or -1.50, with up to 18 digits before the point and 12 after it.
func ParseAmount(text string) (*big.Rat, error) {
	n, err := parseAmount(text)
	if err != nil {
		return nil, err
	}
	return rat(n), nil
}

func parseAmount(text string) (*big.Int, error) {
	if text == "" {
		return nil, oops.Invalid("the amount is empty: give a decimal number such as 8.28")
	}
	n, problem := parseDecimal(text, amountDigits)
	if problem != "" {
		return nil, oops.Invalid("the amount is %s", strings.Replace(problem, "0.0000004", "8.28", 1))
	}
	return n, nil
}

// Decimal is a number with so many places; what is beyond them is cut off.
func Decimal(r *big.Rat, places int) string { return positiveZero(cut(r, places)) }

// Cents is an amount with two places. What is beyond them is cut off, not rounded: 1.0368 is 1.03, and -1.0368 is -1.03.
func Cents(r *big.Rat) string {
	return Decimal(r, 2)
}

// Exact is an amount, a price or a quantity as the API has it: cut off after twelve places, without zeros at the end.
func Exact(r *big.Rat) string {
	return strings.TrimSuffix(strings.TrimRight(Decimal(r, maxPlaces), "0"), ".")
}

// positiveZero takes the sign from what was cut to nothing.
func positiveZero(s string) string {
	if strings.Trim(s, "-0.") == "" {
		return strings.TrimPrefix(s, "-")
	}
	return s
}

// signs are those that stand before an amount. A currency without one is named behind it.
var signs = map[string]string{"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}

// Money is an amount of a currency for people, such as $8.28, -$1.50 or 8.28 CHF. The amount is a decimal number, and shown with the places that it has.
func Money(currency, amount string) string {
	sign, ok := signs[currency]
	if !ok {
		return amount + " " + currency
	}
	if digits, negative := strings.CutPrefix(amount, "-"); negative {
		return "-" + sign + digits
	}
	return sign + amount
}
