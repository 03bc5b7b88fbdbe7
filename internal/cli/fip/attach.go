package fip

import (
	"fmt"

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
				if err := freeHolder(cmd, s, args[0]); err != nil {
					return err
				}
			}
			return s.Hyper.FIPAttach(cmd.Context(), args[0], args[1])
		},
	}
	cmd.Flags().BoolVarP(&force, "force", "f", false, "Take it from the container that holds it")
	return cmd
}

// freeHolder detaches a floating IP, named by address or name, from whoever holds it.
func freeHolder(cmd *cobra.Command, s *session.Session, fip string) error {
	fips, err := s.Hyper.FIPList(cmd.Context(), nil)
	if err != nil {
		return err
	}
	for _, f := range fips {
		if f.Address != fip && f.Name != fip {
			continue
		}
		if f.Service != "" {
			return fmt.Errorf("floating IP %s is held by service %s: detach it there first, with hyper service detach-fip %s", f.Address, f.Service, f.Service)
		}
		if f.Container != "" {
			_, err := s.Hyper.FIPDetach(cmd.Context(), f.Container)
			return err
		}
	}
	return nil
}
