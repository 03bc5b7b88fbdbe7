package admin

import (
	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/quota"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

func quotas(s *session.Session) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "quota [OPTIONS] ACCOUNT [RESOURCE=N...]",
		Short: "Show or change what an account may have",
		Long:  "Show what an account may have, and has. With limits change these first: " + quota.Help + ".",
		Args:  cli.RequiresMinArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var limits quota.Limits
			for _, arg := range args[1:] {
				if err := limits.Set(arg); err != nil {
					return err
				}
			}
			list, err := s.Hyper.AccountQuotas(cmd.Context(), args[0])
			if len(limits) > 0 && err == nil {
				list, err = s.Hyper.AccountSetQuotas(cmd.Context(), args[0], limits)
			}
			if err != nil {
				return err
			}
			return quota.Write(s.Out(), format, list)
		},
	}
	cmd.Flags().StringVar(&format, "format", "", listing.FormatHelp)
	return cmd
}
