// Package budget holds the commands for what accounts may spend in a calendar month: the account's own budget, and the operator's for it. An
// account may have both, and is held to both.
package budget

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/group"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/money"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

const help = `A budget is for a calendar month in UTC. At 80 % of it there is an event, and a mail if the operator has set up how to send any; when it is spent,
nothing more that costs is started or made. What runs goes on running, unless the operator's budget says otherwise.`

const mailHelp = "Address that is written to at 80 % and when all is spent"

// Command is "hyper budget", which shows, and is a group.
func Command(s *session.Session) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "budget [OPTIONS]",
		Short: "Show or set what the account may spend in a month",
		Long:  "Show what the account may spend in a month, and has spent; 'set' and 'rm' are for its own budget.\n\n" + help,
		Args:  group.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			state, err := s.Hyper.Budget(cmd.Context())
			if err != nil {
				return err
			}
			return show(s.Out(), format, state)
		},
	}
	cmd.Flags().StringVar(&format, "format", "", listing.ObjectHelp)

	var b types.Budget
	set := &cobra.Command{
		Use:   "set [OPTIONS] AMOUNT",
		Short: "Set the account's own budget",
		Long:  "Set the account's own budget, in the currency of the prices.\n\n" + help,
		Args:  cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return put(s.Out(), args[0], &b, func() (types.BudgetState, error) { return s.Hyper.BudgetSet(cmd.Context(), b) })
		},
	}
	set.Flags().StringVar(&b.Mail, "mail", "", mailHelp)
	cmd.AddCommand(set, &cobra.Command{
		Use:     "rm",
		Aliases: []string{"remove"},
		Short:   "Take the account's own budget away",
		Args:    cli.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return s.Hyper.BudgetRemove(cmd.Context()) },
	})
	return group.Runs(cmd)
}

// AccountCommand is "hyper admin budget", which shows an account's, and is a group.
func AccountCommand(s *session.Session) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "budget [OPTIONS] ACCOUNT",
		Short: "Show or set what an account may spend in a month",
		Long:  "Show what an account may spend in a month, and has spent; 'set' and 'rm' are for the operator's budget, beside which the account may have its own.\n\n" + help,
		Args:  cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			state, err := s.Hyper.AccountBudget(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return show(s.Out(), format, state)
		},
	}
	cmd.Flags().StringVar(&format, "format", "", listing.ObjectHelp)

	var b types.Budget
	set := &cobra.Command{
		Use:   "set [OPTIONS] ACCOUNT AMOUNT",
		Short: "Set the operator's budget for an account",
		Long:  "Set the operator's budget for an account, in the currency of the prices.\n\n" + help,
		Args:  cli.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return put(s.Out(), args[1], &b, func() (types.BudgetState, error) { return s.Hyper.AccountBudgetSet(cmd.Context(), args[0], b) })
		},
	}
	set.Flags().StringVar(&b.Mail, "mail", "", mailHelp)
	set.Flags().BoolVar(&b.Stop, "stop", false, "Stop the account's containers when all is spent")
	cmd.AddCommand(set, &cobra.Command{
		Use:     "rm ACCOUNT [ACCOUNT...]",
		Aliases: []string{"remove"},
		Short:   "Take the operator's budgets for accounts away",
		Args:    cli.RequiresMinArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return session.Each(cmd.Context(), names, func(ctx context.Context, name string) error { return s.Hyper.AccountBudgetRemove(ctx, name) })
		},
	})
	return group.Runs(cmd)
}

// put sets a budget and shows what then is so.
func put(w io.Writer, amount string, b *types.Budget, send func() (types.BudgetState, error)) error {
	var err error
	if b.Amount, err = money.Parse(amount); err != nil {
		return err
	}
	if strings.HasPrefix(amount, "-") {
		return fmt.Errorf("a budget of %s is less than nothing: give 0 or more", amount)
	}
	state, err := send()
	if err != nil {
		return err
	}
	return show(w, "", state)
}

func show(w io.Writer, format string, state types.BudgetState) error {
	if format != "" {
		return listing.Object(w, format, state)
	}
	fmt.Fprintf(w, "Month: %s (UTC)\nSpent: %s", state.Month, money.Amount(state.Currency, state.Spent))
	if state.Percent != nil {
		fmt.Fprintf(w, ", %d %% of %s", *state.Percent, lower(state))
	}
	fmt.Fprintln(w)
	for _, one := range []struct {
		title string
		b     *types.Budget
	}{{"Own budget", state.Own}, {"Operator's budget", state.Operator}} {
		fmt.Fprintf(w, "%s: %s\n", one.title, describe(state.Currency, one.b))
	}
	return nil
}

// lower names what the percentage is of.
func lower(state types.BudgetState) string {
	if state.Own != nil && state.Operator != nil {
		return "the lower budget"
	}
	return "the budget"
}

func describe(currency string, b *types.Budget) string {
	if b == nil {
		return "none"
	}
	text := money.Amount(currency, b.Amount)
	if b.Mail != "" {
		text += ", mail to " + listing.OneLine(b.Mail)
	}
	if b.Stop {
		text += ", containers are stopped when it is spent"
	}
	return text
}
