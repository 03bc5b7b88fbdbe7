package bill

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/money"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

// CorrectCommand is "hyper admin correct".
func CorrectCommand(s *session.Session) *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use:   "correct --note TEXT ACCOUNT AMOUNT",
		Short: "Make an account owe more or less this month",
		Long: "Make an account owe more (2.50) or less (-2.50) this month, by an entry in its ledger. What is there is never changed, and the account sees\n" +
			"the entry and its note. Prints the entry's place in the ledger.",
		Args: cli.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(note) == "" {
				return errors.New("say by --note why: the account sees it on its bill")
			}
			amount, err := money.Parse(args[1])
			if err != nil {
				return err
			}
			e, err := s.Hyper.AccountCorrect(cmd.Context(), args[0], types.CorrectionCreate{Amount: amount, Note: note})
			if err != nil {
				return err
			}
			fmt.Fprintln(s.Out(), strconv.FormatInt(e.Seq, 10))
			return nil
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "Why; the account sees it on its bill")
	return cmd
}
