package volume

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

func resize(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:   "resize VOLUME SIZE",
		Short: "Make a volume larger",
		Long: "Makes a volume as large as SIZE, in GB: 20, 30, 40 or 50. What is in it stays, and a container that has it goes on meanwhile.\n" +
			"A volume cannot be made smaller.",
		Args: cli.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			gb, err := strconv.Atoi(strings.TrimSuffix(strings.ToUpper(args[1]), "GB"))
			if err != nil {
				return fmt.Errorf("the size of a volume is a number of GB, not %q", args[1])
			}
			if err := s.Hyper.VolumeResize(cmd.Context(), args[0], gb); err != nil {
				return err
			}
			fmt.Fprintln(s.Out(), args[0])
			return nil
		},
	}
}
