// Package group tells the few groups of commands that do something themselves, such as "hyper budget", which shows what "hyper budget set" sets, from
// those that only have commands and show help.
package group

import (
	"errors"

	"github.com/spf13/cobra"
)

const runs = "hyper.runs"

// Runs marks a group that does something itself.
func Runs(cmd *cobra.Command) *cobra.Command {
	if cmd.Annotations == nil {
		cmd.Annotations = map[string]string{}
	}
	cmd.Annotations[runs] = ""
	return cmd
}

// DoesRun says whether a group was marked so.
func DoesRun(cmd *cobra.Command) bool {
	_, ok := cmd.Annotations[runs]
	return ok
}

// NoArgs is docker/cli's check of that name, which for a group shows its help.
func NoArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return errors.New("accepts no arguments")
	}
	return nil
}
