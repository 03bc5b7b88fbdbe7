package bill

import (
	"io"
	"strconv"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/money"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

var listed = listing.Listing{
	Default: "{{.Account}}\t{{.ID}}\t{{.State}}\t{{.Total}}",
	Raw:     "account: {{.Account}}\nid: {{.ID}}\nstate: {{.State}}\ntotal: {{.Total}}\n",
	Width:   6,
	Headers: map[string]string{
		"Account": "ACCOUNT", "ID": "ID", "State": "STATE", "Total": "TOTAL", "Amount": "AMOUNT", "Exact": "EXACT", "Currency": "CURRENCY",
	},
}

// row is an account's bill. Amount, in whole cents, and Exact are plain numbers, Total is as people read it.
type row struct{ Account, ID, State, Amount, Exact, Currency, Total string }

// States of accounts that have bills.
const (
	present = "present"
	removed = "removed"
)

// ListCommand is "hyper admin bills".
func ListCommand(s *session.Session) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "bills [OPTIONS] [MONTH]",
		Short: "Show what each account owes for a month",
		Long: "Show what each account owes for a month, those that were removed among them. MONTH is a calendar month in UTC: 2026-11, 'this', which it\n" +
			"is without, or 'last'. The total of all is the sum of the bills.",
		Args: cli.RequiresMaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := listing.OneFormat(o.csv, o.format); err != nil {
				return err
			}
			month, err := monthOf(args)
			if err != nil {
				return err
			}
			list, err := s.Hyper.AccountBills(cmd.Context(), month)
			if err != nil {
				return err
			}
			if o.csv {
				return listCSV(s.Out(), list)
			}
			return listing.Write(s.Out(), listed, o.format, false, rows(list, o.format == "" || o.format == "table"))
		},
	}
	cmd.Flags().StringVar(&o.format, "format", "", listing.FormatHelp)
	cmd.Flags().BoolVar(&o.csv, "csv", false, listing.CSVHelp)
	return cmd
}

// rows are the accounts', and one for all if that is wanted and they have one currency.
func rows(list []types.AccountBill, withSum bool) []row {
	all := make([]row, 0, len(list)+1)
	totals := make([]types.Amount, 0, len(list))
	currency := ""
	for _, b := range list {
		state := present
		if b.Former {
			state = removed
		}
		all = append(all, row{listing.OneLine(b.Account), b.ID, state, string(b.Total), string(b.Exact), b.Currency, money.Amount(b.Currency, b.Total)})
		totals = append(totals, b.Total)
		withSum = withSum && (currency == "" || currency == b.Currency)
		currency = b.Currency
	}
	if sum, ok := money.Sum(totals...); ok && withSum {
		all = append(all, row{Account: "TOTAL", Total: money.Amount(currency, sum)})
	}
	return all
}

func listCSV(w io.Writer, list []types.AccountBill) error {
	c := listing.NewCSV(w, "Account", "Id", "Former", "Total", "Exact", "Currency")
	for _, b := range list {
		c.Row(listing.Text(b.Account), b.ID, strconv.FormatBool(b.Former), string(b.Total), string(b.Exact), b.Currency)
	}
	return c.Flush()
}
