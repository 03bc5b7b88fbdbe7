package cli

import (
	"context"
	"os"
	"path/filepath"

	hyperclient "github.com/hypercloud/hyper/api/client"
	"github.com/hypercloud/hyper/internal/cli/clouds"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

// Commands is the whole command tree, to be read and not to be run: for the reference, and for tests. What help shows of this machine, it
// shows of any.
func Commands(compose Constructor) (*cobra.Command, error) {
	s, err := session.New(context.Background(), session.Config{
		Server: clouds.Server{Host: hyperclient.DefaultHost}, Directory: filepath.Join(os.TempDir(), "no", "such", "directory"),
	})
	if err != nil {
		return nil, err
	}
	root := newRoot(s, "", compose)
	root.DisableFlagsInUseLine = true
	f := new(globals).flags()
	for name, everywhere := range map[string]string{"account": "", "config": "~/.hyper", "host": hyperclient.DefaultHost} {
		f.Lookup(name).DefValue = everywhere
	}
	root.Flags().AddFlagSet(f)
	describe(root)
	return root, nil
}

// describe gives all commands what help gives a command when it is shown.
func describe(cmd *cobra.Command) {
	reword(cmd)
	cmd.Example = exampleOf(cmd)
	for _, sub := range cmd.Commands() {
		describe(sub)
	}
}

// Sections are the titles under which the top-level help lists commands, with the commands' names.
func Sections() (titles []string, names map[string][]string) {
	names = map[string][]string{}
	for _, s := range sections {
		titles = append(titles, s.title)
		names[s.title] = s.names
	}
	return titles, names
}
