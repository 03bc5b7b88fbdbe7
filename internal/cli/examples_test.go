package cli

import (
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/hypercloud/hyper/internal/cli/compose"
	"github.com/spf13/cobra"
)

// typed finds hyper's own command lines in an example: a whole line, or what is in $(...), "(...)" or behind a pipe.
var typed = regexp.MustCompile(`(?:^\$ |\$\(|<\(|\| )(hyper [^)|]*)`)

// An example that hyper would not understand is worse than none.
func TestExamplesAreUnderstood(t *testing.T) {
	for path, text := range examples {
		root, err := Commands(compose.Command)
		if err != nil {
			t.Fatal(err)
		}
		cmd, _, err := root.Find(strings.Fields(path))
		if err != nil || strings.TrimPrefix(cmd.CommandPath(), "hyper ") != path {
			t.Errorf("there are examples of %q, which is no command", path)
			continue
		}
		mentioned := false
		for line := range strings.Lines(text) {
			for _, m := range typed.FindAllStringSubmatch(strings.TrimSpace(line), -1) {
				found, err := understand(m[1])
				if err != nil {
					t.Errorf("%s: %v", m[1], err)
				}
				mentioned = mentioned || found == path
			}
		}
		if !mentioned {
			t.Errorf("the example of %q does not show it:\n%s", path, text)
		}
	}
}

// understand reads a line as the client would, up to where the command would begin.
func understand(line string) (path string, err error) {
	root, err := Commands(compose.Command)
	if err != nil {
		return "", err
	}
	words := words(line)
	_, args, err := parseGlobals(words[1:])
	if err != nil {
		return "", err
	}
	args = rewrite(root, args)
	find := root.Find
	if root.TraverseChildren {
		find = root.Traverse
	}
	cmd, rest, err := find(args)
	if err != nil {
		return "", err
	}
	cmd.SetOut(io.Discard)
	if err := cmd.ParseFlags(rest); err != nil {
		return "", err
	}
	return strings.TrimPrefix(cmd.CommandPath(), "hyper "), cmd.ValidateArgs(cmd.Flags().Args())
}

// words splits a line as a shell does, as far as the examples need it.
func words(line string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`'([^']*)'|\S+`).FindAllStringSubmatch(line, -1) {
		if m[1] != "" {
			all = append(all, m[1])
		} else {
			all = append(all, m[0])
		}
	}
	return all
}

// What is Hyper's own is shown in use.
func TestOwnCommandsHaveExamples(t *testing.T) {
	root, err := Commands(compose.Command)
	if err != nil {
		t.Fatal(err)
	}
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			if !sub.Hidden {
				visit(sub)
			}
		}
		path := strings.TrimPrefix(cmd.CommandPath(), "hyper ")
		foreign := fromDocker[path] != "" || strings.HasPrefix(path, "network ") || path == "volume prune"
		if cmd.HasParent() && !cmd.HasSubCommands() && !foreign && exampleOf(cmd) == "" {
			t.Errorf("%q has no example", path)
		}
	}
	visit(root)
}
