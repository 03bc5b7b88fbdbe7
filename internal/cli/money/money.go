// Package money writes amounts, prices and quantities of use as people read them. They come as decimal numbers of any length, and are fractions
// all the way: nothing here is a floating-point number, and nothing is rounded. What is not shown is cut off.
package money

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"

	"github.com/hypercloud/hyper/api/types"
)

// places is how many decimals an amount of the API has at most.
const places = 12

// decimal is what an amount looks like. Other forms that math/big reads, such as 1/3 and 1e9, are none.
var decimal = regexp.MustCompile(`^-?[0-9]{1,30}(\.[0-9]{1,30})?$`)

// Valid says whether a text is an amount.
func Valid(text string) bool { return decimal.MatchString(text) }

// Parse reads an amount that somebody typed, which is a number and no more.
func Parse(text string) (types.Amount, error) {
	if !Valid(text) {
		return "", fmt.Errorf("%q is not an amount: give a decimal number without a currency, such as 12.50", text)
	}
	return types.Amount(text), nil
}

// rat is the number that a text says; nil if it says none.
func rat(text string) *big.Rat {
	if !Valid(text) {
		return nil
	}
	r, _ := new(big.Rat).SetString(text)
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
	return with(currency, trim(cut(r, n)))
}

// Rate writes a price with as many decimals as it has, at least two and at most n, cut: $0.0000004.
func Rate(currency string, a types.Amount, n int) string {
	r := rat(string(a))
	if r == nil {
		return string(a)
	}
	return with(currency, trim(cut(r, n)))
}

// Times is an amount times a fraction. It is cut after twelve decimals.
func Times(a types.Amount, numerator, denominator int64) types.Amount {
	r := rat(string(a))
	if r == nil {
		return a
	}
	return types.Amount(bare(cut(r.Mul(r, big.NewRat(numerator, denominator)), places)))
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
	return types.Amount(bare(cut(sum, places))), true
}

func power(n int) *big.Rat {
	return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil))
}

// cut writes a number with n decimals; what comes after them is left out, and what is nothing then has no sign.
func cut(r *big.Rat, n int) string {
	scaled := new(big.Rat).Mul(r, power(n))
	whole := new(big.Int).Quo(scaled.Num(), scaled.Denom())
	return new(big.Rat).Quo(new(big.Rat).SetInt(whole), power(n)).FloatString(n)
}

// trim drops zeros at the end, down to two decimals.
func trim(text string) string {
	point := strings.IndexByte(text, '.')
	for point >= 0 && len(text)-point > 3 && text[len(text)-1] == '0' {
		text = text[:len(text)-1]
	}
	return text
}

// bare drops all zeros at the end.
func bare(text string) string {
	if !strings.Contains(text, ".") {
		return text
	}
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// symbols are those that stand before a number. Other currencies are named by their codes.
var symbols = map[string]string{"USD": "$", "EUR": "€", "GBP": "£"}

func with(currency, number string) string {
	sign := ""
	if rest, negative := strings.CutPrefix(number, "-"); negative {
		sign, number = "-", rest
	}
	if symbol := symbols[currency]; symbol != "" {
		return sign + symbol + number
	}
	return strings.TrimSpace(currency + " " + sign + number)
}
