// Package usage holds the commands that show what accounts use, and what that costs so far: the tenant's, and the operator's of any account.
//
// period.go reads the times that are asked for, lines.go shows sums, entries.go the ledger that they are made of.
package usage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/docker/cli/cli"
	hyperclient "github.com/hypercloud/hyper/api/client"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

// Groupings are what lines can be made by.
var Groupings = []string{"resource", "kind", "day", "month"}

const help = `The time is this calendar month up to now unless --since and --until say otherwise. They take a time such as 2026-11-27T10:00:00Z, a day
(2026-11-27) or a month (2026-11), which stand for their first moment in UTC, or how long ago: 90m, 24h, 7d, 2w.

Amounts are cut to whole cents, and below a cent after six decimals or the second digit; --json and --csv have them exactly. Use that goes on is
counted up to now. --entries shows the ledger's own entries: with --csv, what anyone needs to compute a bill again.`

type options struct {
	by, since, until, format string
	csv, entries             bool
}

// Command is "hyper usage".
func Command(s *session.Session) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "usage [OPTIONS]",
		Short: "Show what the account uses, and what it costs so far",
		Args:  cli.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), s, false, "") },
	}
	return o.extend(cmd, "Show what the account uses, and what it costs so far.")
}

// AccountCommand is "hyper admin usage".
func AccountCommand(s *session.Session) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "usage [OPTIONS] [ACCOUNT]",
		Short: "Show what an account uses, or all",
		Args:  cli.RequiresMaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return o.run(cmd.Context(), s, false, args[0])
			}
			list, err := s.Hyper.AccountList(cmd.Context())
			if err != nil {
				return err
			}
			names := make([]string, 0, len(list))
			for _, a := range list {
				names = append(names, a.Name)
			}
			return o.run(cmd.Context(), s, true, names...)
		},
	}
	return o.extend(cmd, "Show what an account uses, and what it costs so far; without an account, of all that there are. One that was removed is known by its id.")
}

func (o *options) extend(cmd *cobra.Command, begin string) *cobra.Command {
	cmd.Long = begin + "\n\n" + help
	f := cmd.Flags()
	f.StringVar(&o.by, "by", "", "Sum by "+strings.Join(Groupings, ", ")+"; by resource without")
	f.StringVar(&o.since, "since", "", "Begin of the time")
	f.StringVar(&o.until, "until", "", "End of the time")
	f.StringVar(&o.format, "format", "", listing.FormatHelp)
	f.BoolVar(&o.csv, "csv", false, listing.CSVHelp)
	f.BoolVar(&o.entries, "entries", false, "Show the entries of the ledger, and no sums")
	return cmd
}

// run shows the use of accounts; of "" it is the session's own. many gives each line its account.
func (o *options) run(ctx context.Context, s *session.Session, many bool, accounts ...string) error {
	if o.by != "" && !slices.Contains(Groupings, o.by) {
		return fmt.Errorf("use cannot be summed by %q: choose of %s", o.by, strings.Join(Groupings, ", "))
	}
	if o.by != "" && o.entries {
		return errors.New("Conflicting options: --by and --entries")
	}
	if err := listing.OneFormat(o.csv, o.format); err != nil {
		return err
	}
	asked, err := o.asked(time.Now())
	if err != nil {
		return err
	}
	if o.entries {
		return o.showEntries(ctx, s, asked, many, accounts)
	}
	var found []types.Usage
	for _, account := range accounts {
		u, err := of(ctx, s, account, asked)
		if err != nil {
			return err
		}
		found = append(found, u)
	}
	return o.showLines(s.Out(), found, many)
}

func (o *options) asked(now time.Time) (asked hyperclient.UsageOptions, err error) {
	asked.By = o.by
	if asked.Since, err = moment("--since", o.since, now); err != nil {
		return asked, err
	}
	asked.Until, err = moment("--until", o.until, now)
	return asked, err
}

func of(ctx context.Context, s *session.Session, account string, asked hyperclient.UsageOptions) (types.Usage, error) {
	if account == "" {
		return s.Hyper.Usage(ctx, asked)
	}
	return s.Hyper.AccountUsage(ctx, account, asked)
}
