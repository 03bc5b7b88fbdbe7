// Package money writes amounts, prices and quantities of use as people read them. They come as decimal numbers of any length, and are fractions
// all the way: nothing here is a floating-point number, and nothing is rounded. What is not shown is cut off.
package money

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/metering"
)

// places is how many decimals an amount of the API has at most.
const places = 12

// Valid says whether a text is an amount.
func Valid(text string) bool { return rat(text) != nil }

// Parse reads an amount that somebody typed, which is a number and no more.
func Parse(text string) (types.Amount, error) {
	if !Valid(text) {
		return "", fmt.Errorf("%q is not an amount: give a decimal number without a currency, such as 12.50", text)
	}
	return types.Amount(text), nil
}

// rat is the number that a text says; nil if it says none.
func rat(text string) *big.Rat {
	r, err := metering.ParseAmount(text)
	if err != nil {
		return nil
	}
	return r
}

// Amount writes an amount with two decimals, as bills have it, cut: $5.18. Below a cent it has six, or as many as it takes to see two digits other
// than zero, and no zeros at the end: $0.00002, $0.0000038.
func Amount(currency string, a types.Amount) string {
	r := rat(string(a))
	if r == nil {
		return string(a)
	}
	n := 2
	if abs := new(big.Rat).Abs(r); abs.Sign() > 0 && abs.Cmp(big.NewRat(1, 100)) < 0 {
		n = 6
		for n < places && new(big.Rat).Mul(abs, power(n-1)).Cmp(big.NewRat(1, 1)) < 0 {
			n++
		}
	}
	return with(currency, trim(metering.Decimal(r, n)))
}

// Rate writes a price with as many decimals as it has, at least two and at most n, cut: $0.0000004.
func Rate(currency string, a types.Amount, n int) string {
	r := rat(string(a))
	if r == nil {
		return string(a)
	}
	return with(currency, trim(metering.Decimal(r, n)))
}

// Times is an amount times a fraction. It is cut after twelve decimals.
func Times(a types.Amount, numerator, denominator int64) types.Amount {
	r := rat(string(a))
	if r == nil {
		return a
	}
	return types.Amount(metering.Exact(r.Mul(r, big.NewRat(numerator, denominator))))
}

// Sum is the sum of amounts; false if one of them is none.
func Sum(amounts ...types.Amount) (types.Amount, bool) {
	sum := new(big.Rat)
	for _, a := range amounts {
		r := rat(string(a))
		if r == nil {
			return "", false
		}
		sum.Add(sum, r)
	}
	return types.Amount(metering.Exact(sum)), true
}

func power(n int) *big.Rat {
	return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil))
}

// trim drops zeros at the end, down to two decimals.
func trim(text string) string {
	point := strings.IndexByte(text, '.')
	for point >= 0 && len(text)-point > 3 && text[len(text)-1] == '0' {
		text = text[:len(text)-1]
	}
	return text
}

// with names the currency. Without one there is the number alone.
func with(currency, number string) string { return strings.TrimSpace(metering.Money(currency, number)) }
