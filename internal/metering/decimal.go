package metering

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"

	"github.com/hypercloud/hyper/internal/plainyaml"
)

// maxPlaces is how many digits a price and an amount have after the point at most. It is also as many as [Exact] shows.
const maxPlaces = 12

// Digits before the point.
const (
	priceDigits  = 12
	amountDigits = 18
)

// decimal is a number in one of its two parts. A zero before other digits is not taken: YAML has meant octal numbers by it.
var decimal = regexp.MustCompile(`^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?$`)

// ten is 10 to that power.
func ten(power int64) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(power), nil) }

// one is 1, as parseDecimal counts.
var one = ten(maxPlaces)

// parseDecimal reads a decimal number without passing through floating point. The number is in units of the last place that there can be. If text
// is none, problem says so, and goes on a sentence that begins with the text's name and "is".
func parseDecimal(text string, digits int) (n *big.Int, problem string) {
	m := decimal.FindStringSubmatch(text)
	if m == nil {
		return nil, fmt.Sprintf("%q, which is not a decimal number such as 0.0000004", clip(text))
	}
	if len(m[2]) > digits || len(m[3]) > maxPlaces {
		return nil, fmt.Sprintf("%s, which is too long: a number has up to %d digits before the point and %d after it", clip(text), digits, maxPlaces)
	}
	n, _ = new(big.Int).SetString(m[1]+m[2]+m[3]+strings.Repeat("0", maxPlaces-len(m[3])), 10)
	return n, ""
}

// rat is a number of parseDecimal's.
func rat(n *big.Int) *big.Rat { return new(big.Rat).SetFrac(n, one) }

// cut writes r with so many places, towards zero.
func cut(r *big.Rat, places int) string {
	n := new(big.Int).Mul(r.Num(), ten(int64(places)))
	n.Quo(n, r.Denom())
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
	}
	digits := n.Abs(n).String()
	if short := places + 1 - len(digits); short > 0 {
		digits = strings.Repeat("0", short) + digits
	}
	at := len(digits) - places
	return sign + digits[:at] + "." + digits[at:]
}

// clip keeps a message short, whatever is in it.
func clip(s string) string { return plainyaml.Clip(s) }
