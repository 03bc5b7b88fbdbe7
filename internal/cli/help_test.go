package cli

import (
	"context"
	"strings"
	"testing"

	"github.com/hypercloud/hyper/internal/cli/clouds"
	"github.com/hypercloud/hyper/internal/cli/compose"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

func testRoot(t *testing.T) *cobra.Command {
	t.Helper()
	s, err := session.New(context.Background(), session.Config{Server: clouds.Server{Host: "unix:///nosuch"}, Directory: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return newRoot(s, "", compose.Command)
}

// Help is Hyper's own: words about another product would send users astray.
func TestHelpNamesNoOtherProduct(t *testing.T) {
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		var b strings.Builder
		showHelp(&b, cmd)
		for line := range strings.Lines(b.String()) {
			if strings.Contains(strings.ToLower(othersNames.Replace(line)), "docker") {
				t.Errorf("%s --help: %s", cmd.CommandPath(), strings.TrimSpace(line))
			}
		}
		for _, sub := range cmd.Commands() {
			if !cmd.Hidden {
				visit(sub)
			}
		}
	}
	visit(testRoot(t))
}

// othersNames are things that are called so, whoever speaks of them.
var othersNames = strings.NewReplacer("Docker Hub", "", "docker-env", "", "$ docker ps", "", "Dockerfile", "")

func TestEveryCommandIsInHelpOnceOrHidden(t *testing.T) {
	root := testRoot(t)
	listed := map[string]int{}
	for _, s := range sections {
		for _, name := range s.names {
			listed[name]++
			if cmd, _, err := root.Find([]string{name}); err != nil || cmd.Name() != name || cmd.Hidden {
				t.Errorf("help lists %q, which does not exist", name)
			}
		}
	}
	for _, cmd := range root.Commands() {
		if !cmd.Hidden && listed[cmd.Name()] != 1 {
			t.Errorf("help lists %q %d times", cmd.Name(), listed[cmd.Name()])
		}
	}
}
