package admin

import (
	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

func inspect(s *session.Session) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "inspect [OPTIONS] ACCOUNT [ACCOUNT...]",
		Short: "Show all about accounts",
		Args:  cli.RequiresMinArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return listing.Inspect(s.Out(), names, format, func(name string) (any, []byte, error) {
				a, err := s.Hyper.AccountInspect(cmd.Context(), name)
				return a, nil, err
			})
		},
	}
	cmd.Flags().StringVarP(&format, "format", "f", "", "Go template for the output")
	return cmd
}
