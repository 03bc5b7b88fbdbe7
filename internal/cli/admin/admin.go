// Package admin holds the operator's commands: accounts, their limits and their first credentials, what they use
// and owe, and the doctor. For everybody else the
// server has no such calls, and answers that the page is not found.
package admin

import (
	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/bill"
	"github.com/hypercloud/hyper/internal/cli/budget"
	"github.com/hypercloud/hyper/internal/cli/credential"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/hypercloud/hyper/internal/cli/usage"
	"github.com/spf13/cobra"
)

// Command is the group "hyper admin".
func Command(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "admin COMMAND",
		Short: "Manage accounts and the machine, as the operator",
		Long:  "These commands are the operator's: root and the group hyper on the server's own machine, over its socket.",
	}
	cmd.AddCommand(accounts(s), credentials(s), doctor(s))
	cmd.AddCommand(bill.AccountCommand(s), bill.ListCommand(s), bill.CorrectCommand(s), budget.AccountCommand(s), usage.AccountCommand(s))
	return cmd
}

func accounts(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{Use: "account COMMAND", Short: "Manage accounts"}
	cmd.AddCommand(create(s), disable(s), enable(s), inspect(s), ls(s), quotas(s), rm(s))
	return cmd
}

func credentials(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{Use: "credential COMMAND", Short: "Manage credentials of accounts"}
	cmd.AddCommand(createCredential(s))
	return cmd
}

func createCredential(s *session.Session) *cobra.Command {
	var name, format string
	cmd := &cobra.Command{
		Use:   "create [OPTIONS] ACCOUNT",
		Short: "Create a credential of an account and show its secret, once",
		Args:  cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.Hyper.AccountCredentialCreate(cmd.Context(), args[0], types.CredentialCreate{Name: name})
			if err != nil {
				return err
			}
			return credential.Show(s.Out(), s.Err(), format, s.Remote(), c)
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "A word that tells what it is for")
	cmd.Flags().StringVar(&format, "format", "", listing.FormatHelp)
	return cmd
}
