package volume

import (
	"errors"
	"fmt"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/internal/cli/session"
	dockerclient "github.com/moby/moby/client"
	"github.com/spf13/cobra"
)

func rm(s *session.Session) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:     "rm [OPTIONS] VOLUME [VOLUME...]",
		Aliases: []string{"remove"},
		Short:   "Remove volumes and all their data",
		Args:    cli.RequiresMinArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			var failed []error
			for _, name := range names {
				if _, err := s.Docker().VolumeRemove(cmd.Context(), name, dockerclient.VolumeRemoveOptions{Force: force}); err != nil {
					failed = append(failed, err)
					continue
				}
				fmt.Fprintln(s.Out(), name)
			}
			return errors.Join(failed...)
		},
	}
	cmd.Flags().BoolVarP(&force, "force", "f", false, "Do not mind volumes that do not exist")
	return cmd
}
