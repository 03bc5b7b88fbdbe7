// Package bill holds the commands that show what accounts owe for calendar months: one bill as people expect it, the tenant's or any, and the
// operator's list of all; and the operator's corrections.
//
// month.go reads months, bill.go shows one bill, list.go all, correct.go corrects.
package bill

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/money"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

const help = `MONTH is a calendar month in UTC: 2026-11, 'this', which it is without, or 'last'. The bill of a month that goes on is provisional: it has what was
used up to now. Each amount is cut to whole cents, and so is the total, of the sum of the exact amounts; --json and --csv have those. An hour
of a container costs 3600 times its price by the second, and a GB month is a gigabyte for 30 days.`

type options struct {
	format string
	csv    bool
}

// Command is "hyper bill".
func Command(s *session.Session) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "bill [OPTIONS] [MONTH]",
		Short: "Show the account's bill for a month",
		Long:  "Show the account's bill for a month.\n\n" + help,
		Args:  cli.RequiresMaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.show(cmd.Context(), s, args, s.Hyper.Bill)
		},
	}
	return o.flags(cmd)
}

// AccountCommand is "hyper admin bill".
func AccountCommand(s *session.Session) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "bill [OPTIONS] ACCOUNT [MONTH]",
		Short: "Show an account's bill for a month",
		Long:  "Show an account's bill for a month. An account that was removed is known by its id, which 'hyper admin bills --json' shows.\n\n" + help,
		Args:  cli.RequiresRangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.show(cmd.Context(), s, args[1:], func(ctx context.Context, month string) (types.Bill, error) {
				return s.Hyper.AccountBill(ctx, args[0], month)
			})
		},
	}
	return o.flags(cmd)
}

func (o *options) flags(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVar(&o.format, "format", "", listing.ObjectHelp)
	cmd.Flags().BoolVar(&o.csv, "csv", false, listing.CSVHelp)
	return cmd
}

func (o *options) show(ctx context.Context, s *session.Session, args []string, ask func(context.Context, string) (types.Bill, error)) error {
	if err := listing.OneFormat(o.csv, o.format); err != nil {
		return err
	}
	month, err := monthOf(args)
	if err != nil {
		return err
	}
	b, err := ask(ctx, month)
	switch {
	case err != nil:
		return err
	case o.csv:
		return lineCSV(s.Out(), b)
	case o.format == "" || o.format == "table":
		return write(s.Out(), b)
	}
	return listing.Object(s.Out(), o.format, b)
}

// write is the bill as people read it.
func write(w io.Writer, b types.Bill) error {
	state := "provisional: the month goes on"
	if b.Final {
		state = "final"
	}
	fmt.Fprintf(w, "Account: %s (%s)\nMonth: %s (UTC)\nState: %s\n\n", listing.OneLine(b.Account), b.ID, b.Month, state)
	t := listing.NewNarrowTable(w)
	fmt.Fprintln(t, "ITEM\tCOUNT\tQUANTITY\tPRICE\tAMOUNT")
	for _, l := range b.Lines {
		count, quantity := strconv.Itoa(l.Count), money.Charged(l.Quantity, l.Unit, l.PriceUnit)
		if l.Kind == correction {
			count, quantity = "", ""
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", item(l), count, quantity, price(b.Currency, l), money.Amount(b.Currency, l.Amount))
	}
	fmt.Fprintf(t, "TOTAL\t\t\t\t%s\n", money.Amount(b.Currency, b.Total))
	return t.Flush()
}

// correction is the kind of what the operator added or took off.
const correction = "correction"

func item(l types.BillLine) string {
	switch {
	case l.Kind == correction:
		return correction + ": " + listing.OneLine(l.Note)
	case l.Kind == "fip":
		return "floating IP"
	case l.Class != "":
		return l.Kind + " " + l.Class
	}
	return l.Kind
}

// price is that of a line. What is paid by the second is shown by the hour, which is exact too.
func price(currency string, l types.BillLine) string {
	switch {
	case l.Price == "":
		return ""
	case l.PriceUnit == money.Seconds:
		return money.Rate(currency, money.Times(l.Price, money.Hour, 1), 12) + "/h"
	}
	return money.Rate(currency, l.Price, 12) + "/" + l.PriceUnit
}

func lineCSV(w io.Writer, b types.Bill) error {
	c := listing.NewCSV(w, "Account", "Id", "Month", "Final", "Kind", "Class", "Note", "Count", "Quantity", "Unit", "Price", "PriceUnit", "Amount", "Exact", "Currency")
	for _, l := range b.Lines {
		c.Row(listing.Text(b.Account), b.ID, b.Month, strconv.FormatBool(b.Final), l.Kind, l.Class, listing.Text(l.Note), strconv.Itoa(l.Count), l.Quantity, l.Unit,
			string(l.Price), l.PriceUnit, string(l.Amount), string(l.Exact), b.Currency)
	}
	return c.Flush()
}
