package bill

import (
	"testing"

	"github.com/hypercloud/hyper/api/types"
)

// A sum is of one currency, and of amounts.
func TestSumOfBills(t *testing.T) {
	for name, c := range map[string]struct {
		list []types.AccountBill
		want string // the last row's total
	}{
		"two":            {[]types.AccountBill{{Currency: "USD", Total: "8.28"}, {Currency: "USD", Total: "-0.30"}}, "$7.98"},
		"none":           {nil, "0.00"},
		"two currencies": {[]types.AccountBill{{Currency: "USD", Total: "8.28"}, {Currency: "EUR", Total: "1"}}, "€1.00"},
		"no number":      {[]types.AccountBill{{Currency: "USD", Total: "8.28"}, {Currency: "USD", Total: "many"}}, "many"},
	} {
		t.Run(name, func(t *testing.T) {
			all := rows(c.list, true)
			if got := all[len(all)-1].Total; got != c.want {
				t.Errorf("the last row has %s, want %s", got, c.want)
			}
		})
	}
}
