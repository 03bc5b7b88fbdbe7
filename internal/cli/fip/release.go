package fip

import (
	"errors"

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
			var failed []error
			for _, f := range fips {
				if err := s.Hyper.FIPRelease(cmd.Context(), f); err != nil {
					failed = append(failed, err)
				}
			}
			return errors.Join(failed...)
		},
	}
}
