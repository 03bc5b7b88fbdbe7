package fip

import (
	"fmt"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

func detach(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:   "detach CONTAINER",
		Short: "Detach a container's floating IP",
		Args:  cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := s.Hyper.FIPDetach(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			fmt.Fprintln(s.Out(), address)
			return nil
		},
	}
}
