// Package group tells the few groups of commands that do something themselves, such as "hyper budget", which shows what "hyper budget set" sets, from
// those that only have commands and show help.
package group

import "github.com/spf13/cobra"

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
