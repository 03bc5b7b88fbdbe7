package container

import (
	"errors"
	"fmt"

	"github.com/docker/cli/cli"
	hyperclient "github.com/hypercloud/hyper/api/client"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

// Rm removes containers and says which volumes stayed behind.
func Rm(s *session.Session) *cobra.Command {
	var o hyperclient.ContainerRemoveOptions
	cmd := &cobra.Command{
		Use:     "rm [OPTIONS] CONTAINER [CONTAINER...]",
		Aliases: []string{"remove"},
		Short:   "Remove containers",
		Args:    cli.RequiresMinArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			var failed []error
			for _, name := range names {
				notices, err := s.Hyper.ContainerRemove(cmd.Context(), name, o)
				if err != nil {
					failed = append(failed, err)
					continue
				}
				fmt.Fprintln(s.Out(), name)
				for _, n := range notices {
					fmt.Fprintln(s.Out(), "NOTICE :", n)
				}
			}
			return errors.Join(failed...)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&o.Force, "force", "f", false, "Kill a running container first")
	f.BoolVarP(&o.Link, "link", "l", false, "Remove the link of that name, not a container")
	f.BoolVarP(&o.Volumes, "volumes", "v", false, "Remove the volumes that came with the container too")
	return cmd
}
