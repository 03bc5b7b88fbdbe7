package image

import (
	"fmt"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/streams"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

// Pull gets an image from its registry into the region.
func Pull(s *session.Session) *cobra.Command {
	var quiet bool
	cmd := &cobra.Command{
		Use:   "pull [OPTIONS] NAME[:TAG|@DIGEST]",
		Short: "Pull an image from a registry into the region",
		Args:  cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			named, err := reference.ParseNormalizedNamed(args[0])
			if err != nil {
				return fmt.Errorf("Error parsing reference: %q is not a valid repository/tag: %w", args[0], err)
			}
			if reference.IsNameOnly(named) {
				named = reference.TagNameOnly(named)
				if !quiet {
					fmt.Fprintln(s.Out(), "Using default tag: latest")
				}
			}
			var out *streams.Out
			if !quiet {
				out = s.Cli.Out()
			}
			if err := Bring(cmd.Context(), s, reference.FamiliarString(named), out); err != nil {
				return err
			}
			if quiet {
				fmt.Fprintln(s.Out(), reference.FamiliarString(named))
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "Print only the image's name")
	cmd.Flags().Bool("disable-content-trust", true, "Skip image verification")
	_ = cmd.Flags().MarkHidden("disable-content-trust")
	return cmd
}
