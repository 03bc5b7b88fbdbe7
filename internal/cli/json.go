package cli

import (
	"errors"

	"github.com/spf13/cobra"
)

// withJSON gives --json, short for --format json, to each command of the tree that has --format: lists, inspections and measurements, ours
// and docker/cli's alike.
func withJSON(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		withJSON(sub)
	}
	format, run := cmd.Flags().Lookup("format"), cmd.RunE
	if format == nil || run == nil {
		return
	}
	var asked bool
	cmd.Flags().BoolVar(&asked, "json", false, "Show JSON: as --format json does")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if asked {
			if format.Changed && format.Value.String() != "json" {
				return errors.New("Conflicting options: --format and --json")
			}
			if err := format.Value.Set("json"); err != nil {
				return err
			}
		}
		return run(cmd, args)
	}
}
