package cli

import (
	"testing"

	"github.com/hypercloud/hyper/internal/cli/group"
	"github.com/spf13/cobra"
)

// What lists or shows, shows it to programs too, and always by the same flags.
func TestWhatListsSpeaksJSON(t *testing.T) {
	shows := map[string]bool{"ls": true, "ps": true, "images": true, "inspect": true, "stats": true, "history": true, "quota": true, "info": true,
		"version": true, "events": true, "search": true, "df": true, "usage": true, "bill": true, "bills": true, "prices": true, "budget": true}
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
		if !shows[cmd.Name()] || cmd.HasSubCommands() && !group.DoesRun(cmd) || cmd.CommandPath() == "hyper sg inspect" {
			return // The output of sg inspect is a file, JSON or YAML.
		}
		for _, flag := range []string{"format", "json"} {
			if cmd.Flags().Lookup(flag) == nil {
				t.Errorf("%s has no --%s", cmd.CommandPath(), flag)
			}
		}
	}
	visit(testRoot(t))
}
