package metering

import (
	"math/big"
	"testing"

	"github.com/containerd/errdefs"
)

func TestAmountsAreCut(t *testing.T) {
	for _, c := range []struct{ amount, cents, exact string }{
		{"0", "0.00", "0"},
		{"8.28", "8.28", "8.28"},
		{"1.0368", "1.03", "1.0368"},
		{"7.776", "7.77", "7.776"},
		{"0.009999", "0.00", "0.009999"},
		{"-0.009999", "0.00", "-0.009999"},
		{"-1.0368", "-1.03", "-1.0368"},
		{"-1.50", "-1.50", "-1.5"},
		{"100", "100.00", "100"},
		{"1/3", "0.33", "0.333333333333"},
		{"2/3", "0.66", "0.666666666666"},
		{"-2/3", "-0.66", "-0.666666666666"},
		{"1/25920000", "0.00", "0.00000003858"},
		{"0.0000000000019", "0.00", "0.000000000001"},
		{"0.0000000000009", "0.00", "0"},
		{"-0.0000000000009", "0.00", "0"},
		{"123456789012345678901234567890.125", "123456789012345678901234567890.12", "123456789012345678901234567890.125"},
	} {
		r := number(c.amount)
		before := new(big.Rat).Set(r)
		if got := Cents(r); got != c.cents {
			t.Errorf("%s is %s in cents", c.amount, got)
		}
		if got := Exact(r); got != c.exact {
			t.Errorf("%s is exactly %s", c.amount, got)
		}
		if r.Cmp(before) != 0 {
			t.Errorf("%s has become %v", c.amount, r)
		}
	}
}

func TestMoney(t *testing.T) {
	for _, c := range []struct{ currency, amount, money string }{
		{"USD", "8.28", "$8.28"}, {"USD", "-1.50", "-$1.50"}, {"USD", "0.0000004", "$0.0000004"}, {"EUR", "8.28", "€8.28"}, {"GBP", "8.28", "£8.28"},
		{"JPY", "828.00", "¥828.00"}, {"INR", "8.28", "₹8.28"}, {"CHF", "8.28", "8.28 CHF"}, {"CHF", "-1.50", "-1.50 CHF"},
	} {
		if got := Money(c.currency, c.amount); got != c.money {
			t.Errorf("%s of %s is %s, and should be %s", c.amount, c.currency, got, c.money)
		}
	}
}

func TestParseAmount(t *testing.T) {
	for _, text := range []string{"0", "-0", "8.28", "-1.50", "999999999999999999.999999999999", "0.000000000001"} {
		if r, err := ParseAmount(text); err != nil || r.Cmp(number(text)) != 0 {
			t.Errorf("%s is %v, %v", text, r, err)
		}
	}
	for _, c := range []struct{ text, says string }{
		{"", "the amount is empty: give a decimal number such as 8.28"},
		{"ten", `the amount is "ten", which is not a decimal number such as 8.28`},
		{"$5", `the amount is "$5", which is not a decimal number such as 8.28`},
		{"+5", `the amount is "+5", which is not a decimal number such as 8.28`},
		{"--5", `the amount is "--5", which is not a decimal number such as 8.28`},
		{"5,00", `the amount is "5,00", which is not a decimal number such as 8.28`},
		{" 5", `the amount is " 5", which is not a decimal number such as 8.28`},
		{"5\n", `the amount is "5\n", which is not a decimal number such as 8.28`},
		{"1/3", `the amount is "1/3", which is not a decimal number such as 8.28`},
		{"1e3", `the amount is "1e3", which is not a decimal number such as 8.28`},
		{"NaN", `the amount is "NaN", which is not a decimal number such as 8.28`},
		{"05", `the amount is "05", which is not a decimal number such as 8.28`},
		{"1234567890123456789", "the amount is 1234567890123456789, which is too long: a number has up to 18 digits before the point and 12 after it"},
		{"0.0000000000001", "the amount is 0.0000000000001, which is too long: a number has up to 18 digits before the point and 12 after it"},
	} {
		if r, err := ParseAmount(c.text); err == nil || err.Error() != c.says || !errdefs.IsInvalidArgument(err) {
			t.Errorf("%q is %v, %v", c.text, r, err)
		}
	}
}

func TestMonth(t *testing.T) {
	for _, c := range []struct{ month, since, until string }{
		{"2026-11", "2026-11-01", "2026-12-01"}, {"2026-12", "2026-12-01", "2027-01-01"}, {"2028-02", "2028-02-01", "2028-03-01"},
	} {
		since, until, err := Month(c.month)
		if err != nil || !since.Equal(at(c.since)) || !until.Equal(at(c.until)) {
			t.Errorf("%s is %s until %s, %v", c.month, since, until, err)
		}
	}
	for _, text := range []string{"", "2026", "2026-13", "2026-00", "2026-1", "2026-11-01", "november", "0000-01", "2026-11 "} {
		_, _, err := Month(text)
		if err == nil || !errdefs.IsInvalidArgument(err) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, _, err := Month("2026-13"); err.Error() != `"2026-13" is not a month: write it as 2026-11` {
		t.Error(err)
	}
	if m := MonthOf(at("2026-11-30 23:59:59.999")); !m.Equal(at("2026-11-01")) {
		t.Error(m)
	}
}
