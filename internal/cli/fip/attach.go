package fip

import (
	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

func attach(s *session.Session) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "attach [OPTIONS] FIP CONTAINER",
		Short: "Attach a floating IP to a container",
		Args:  cli.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if force {
				return s.Hyper.FIPMove(cmd.Context(), args[0], args[1])
			}
			return s.Hyper.FIPAttach(cmd.Context(), args[0], args[1])
		},
	}
	cmd.Flags().BoolVarP(&force, "force", "f", false, "Take it from the container that holds it")
	return cmd
}
