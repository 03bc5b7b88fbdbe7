package admin

import (
	"context"
	"errors"
	"fmt"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

func disable(s *session.Session) *cobra.Command {
	return each(s, &cobra.Command{
		Use:   "disable ACCOUNT [ACCOUNT...]",
		Short: "Let nobody into accounts; what runs goes on running",
	}, s.Hyper.AccountDisable)
}

func enable(s *session.Session) *cobra.Command {
	return each(s, &cobra.Command{
		Use:   "enable ACCOUNT [ACCOUNT...]",
		Short: "Let people into disabled accounts again",
	}, s.Hyper.AccountEnable)
}

func rm(s *session.Session) *cobra.Command {
	var force bool
	cmd := each(s, &cobra.Command{
		Use:   "rm [OPTIONS] ACCOUNT [ACCOUNT...]",
		Short: "Remove accounts that have nothing",
	}, func(ctx context.Context, name string) error { return s.Hyper.AccountRemove(ctx, name, force) })
	cmd.Flags().BoolVarP(&force, "force", "f", false, "Destroy what they have, volumes and their data included")
	return cmd
}

// each does something to every account that is named, prints those that it was done to, and goes on after an error.
func each(s *session.Session, cmd *cobra.Command, do func(context.Context, string) error) *cobra.Command {
	cmd.Args = cli.RequiresMinArgs(1)
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		var failed []error
		for _, name := range names {
			if err := do(cmd.Context(), name); err != nil {
				failed = append(failed, err)
				continue
			}
			fmt.Fprintln(s.Out(), name)
		}
		return errors.Join(failed...)
	}
	return cmd
}
