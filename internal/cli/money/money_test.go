package money

import (
	"testing"

	"github.com/hypercloud/hyper/api/types"
)

func TestAmount(t *testing.T) {
	for _, c := range []struct {
		currency, amount, want string
	}{
		{"USD", "0", "$0.00"},
		{"USD", "8.284", "$8.28"},
		{"USD", "5.189999999999", "$5.18"}, // Cut, not rounded.
		{"USD", "0.01", "$0.01"},
		{"USD", "0.019999", "$0.01"},
		{"USD", "0.00999", "$0.00999"},
		{"USD", "0.0072", "$0.0072"},
		{"USD", "0.001388888888", "$0.001388"},
		{"USD", "0.00002", "$0.00002"},
		{"USD", "0.000004", "$0.000004"},
		{"USD", "0.000003858024", "$0.0000038"},
		{"USD", "0.00000000386", "$0.0000000038"},
		{"USD", "0.000000000001", "$0.000000000001"},
		{"USD", "-1.50", "-$1.50"},
		{"USD", "-1.509", "-$1.50"},
		{"USD", "-0.001", "-$0.001"},
		{"USD", "123456789012345678.999", "$123456789012345678.99"},
		{"EUR", "3", "€3.00"},
		{"CHF", "-3", "-3.00 CHF"},
		{"", "3", "3.00"},
		{"USD", "1e9", "1e9"},
		{"USD", "", ""},
	} {
		if got := Amount(c.currency, types.Amount(c.amount)); got != c.want {
			t.Errorf("%s %s is %s, want %s", c.currency, c.amount, got, c.want)
		}
	}
}

func TestRate(t *testing.T) {
	for _, c := range []struct {
		amount string
		places int
		want   string
	}{
		{"0.0000004", 12, "$0.0000004"},
		{"0.1", 12, "$0.10"},
		{"1", 12, "$1.00"},
		{"0", 12, "$0.00"},
		{"0.001388888888", 6, "$0.001388"},
		{"0.432", 6, "$0.432"},
		{"free", 6, "free"},
	} {
		if got := Rate("USD", types.Amount(c.amount), c.places); got != c.want {
			t.Errorf("%s with %d places is %s, want %s", c.amount, c.places, got, c.want)
		}
	}
}

// The tables of sizes and of storage: what costs so much by the second, costs this by the hour and the month.
func TestTimes(t *testing.T) {
	for _, c := range []struct {
		amount    types.Amount
		num, den  int64
		want      types.Amount
		shownThen string
	}{
		{"0.0000004", Hour, 1, "0.00144", "$0.00144"},
		{"0.0000004", ThirtyDays, 1, "1.0368", "$1.03"},
		{"0.000002", ThirtyDays, 1, "5.184", "$5.18"},
		{"0.00012", ThirtyDays, 1, "311.04", "$311.04"},
		{"0.1", Hour, ThirtyDays, "0.000138888888", "$0.000138"},
		{"0.1", 1, ThirtyDays, "0.000000038580", "$0.000000038"},
		{"0.1", 10, 1, "1", "$1.00"},
		{"x", 10, 1, "x", "x"},
	} {
		got := Times(c.amount, c.num, c.den)
		if a, _ := Sum(got); a != "" && a != mustSum(t, c.want) || a == "" && got != c.want {
			t.Errorf("%s by %d/%d is %s, want %s", c.amount, c.num, c.den, got, c.want)
		}
		if shown := Amount("USD", got); shown != c.shownThen {
			t.Errorf("%s is shown as %s, want %s", got, shown, c.shownThen)
		}
	}
}

func mustSum(t *testing.T, a types.Amount) types.Amount {
	t.Helper()
	sum, ok := Sum(a)
	if !ok {
		t.Fatalf("%q is no amount", a)
	}
	return sum
}

func TestSum(t *testing.T) {
	if got, ok := Sum("0.1", "0.2", "-0.30", "12"); !ok || got != "12" {
		t.Errorf("got %s, %v", got, ok)
	}
	if got, ok := Sum(); !ok || got != "0" {
		t.Errorf("the sum of nothing is %s, %v", got, ok)
	}
	if _, ok := Sum("1", "many"); ok {
		t.Error("many is an amount")
	}
}

func TestValid(t *testing.T) {
	for text, want := range map[string]bool{
		"0": true, "12": true, "12.50": true, "-1.50": true, "0.000000000001": true,
		"": false, "1/3": false, "1e9": false, "1,50": false, "$5": false, ".5": false, "5.": false, "0x10": false, "+5": false, "--5": false, "1_000": false, "Inf": false,
		"1\n": false,
	} {
		if got := Valid(text); got != want {
			t.Errorf("Valid(%q) is %v", text, got)
		}
	}
}

func TestQuantity(t *testing.T) {
	for _, c := range []struct{ quantity, unit, price, want, charged string }{
		{"10", "s", "s", "10 s", "10 s"},
		{"754.201", "s", "s", "754.201 s", "754.201 s"},
		{"3599.999", "s", "s", "3599.999 s", "3599.999 s"},
		{"3600", "s", "s", "1.00 h", "1.00 h"},
		{"45000.5", "s", "s", "12.50 h", "12.50 h"},
		{"2592000", "s", "s", "720.00 h", "720.00 h"},
		{"100.000", "GB s", "GB month", "100 GB s", "100 GB s"},
		{"450000", "GB s", "GB month", "125.00 GB h", "0.17 GB month"},
		{"25919", "GB s", "GB month", "7.19 GB h", "7.19 GB h"},
		{"25920000", "GB s", "GB month", "7200.00 GB h", "10.00 GB month"},
		{"26784000", "GB s", "GB month", "7440.00 GB h", "10.33 GB month"},
		{"1", "month", "month", "1 month", "1 month"},
		{"2", "month", "month", "2 months", "2 months"},
		{"0", "month", "month", "0 months", "0 months"},
		{"0", "s", "s", "0 s", "0 s"},
		{"1", "", "", "1", "1"},
		{"", "", "", "", ""},
		{"3", "call", "call", "3 call", "3 call"},
	} {
		if got := Quantity(c.quantity, c.unit); got != c.want {
			t.Errorf("%s %s is %s, want %s", c.quantity, c.unit, got, c.want)
		}
		if got := Charged(c.quantity, c.unit, c.price); got != c.charged {
			t.Errorf("%s %s is charged as %s, want %s", c.quantity, c.unit, got, c.charged)
		}
	}
}
