// Package volume holds the client's commands for volumes.
package volume

import (
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

// Command is the group "hyper volume".
func Command(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "volume COMMAND",
		Short: "Manage volumes",
		Long:  "Volumes are disks of their own: 10 to 50 GB, attached to a container, and kept when it is removed.",
	}
	cmd.AddCommand(cp(s), create(s), export(s), importVolume(s), initialize(s), inspect(s), ls(s), resize(s), rm(s))
	return cmd
}
