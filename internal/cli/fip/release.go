package fip

import (
	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

func release(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:   "release FIP [FIP...]",
		Short: "Give floating IPs back",
		Args:  cli.RequiresMinArgs(1),
		RunE: func(cmd *cobra.Command, fips []string) error {
			return session.Each(cmd.Context(), fips, s.Hyper.FIPRelease)
		},
	}
}
