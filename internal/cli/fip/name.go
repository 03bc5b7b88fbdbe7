package fip

import (
	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

func name(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:   "name FIP [NAME]",
		Short: "Name a floating IP; without a name, take its name away",
		Args:  cli.RequiresRangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(args) == 2 {
				name = args[1]
			}
			return s.Hyper.FIPName(cmd.Context(), args[0], name)
		},
	}
}
