// Package fip holds the client's commands for floating IPs: public addresses that belong to the account and move
// between containers. Wherever an address is expected its name does as well; the server resolves it.
package fip

import (
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

// Command is the group "hyper fip".
func Command(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fip COMMAND",
		Short: "Manage floating IPs",
		Long:  "Floating IPs are public addresses of the account. One container holds one; its published ports answer there.",
	}
	cmd.AddCommand(allocate(s), attach(s), detach(s), ls(s), name(s), release(s))
	return cmd
}
