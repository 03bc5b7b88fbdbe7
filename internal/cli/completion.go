package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

// completionTime is how long a shell waits for the server before it offers nothing.
const completionTime = 2 * time.Second

// completing tells the question of a shell, "hyper __complete WORDS...", from what a user types.
func completing(args []string) (asked bool, words []string) {
	if len(args) < 2 || args[0] != cobra.ShellCompRequestCmd && args[0] != cobra.ShellCompNoDescRequestCmd {
		return false, nil
	}
	return true, args[1:]
}

// offer prints what the last of the words may become. Whatever goes wrong, the shell is told that there is nothing, and the user nothing.
func offer(ctx context.Context, question string, words []string, compose Constructor) int {
	ctx, stop := context.WithTimeout(ctx, completionTime)
	defer stop()
	g, words := globalsAmong(words)
	if compose == nil && len(words) > 1 && forCompose(words) {
		code, err := handOver()
		if err != nil {
			fmt.Printf(":%d\n", cobra.ShellCompDirectiveNoFileComp)
			return 0
		}
		return code
	}
	err := g.choose()
	if err == nil {
		err = ask(ctx, g, append([]string{question}, words...), compose)
	}
	if err != nil {
		fmt.Printf(":%d\n", cobra.ShellCompDirectiveNoFileComp)
	}
	return 0
}

// ask runs the library's answer to the question.
func ask(ctx context.Context, g globals, args []string, compose Constructor) error {
	s, err := session.New(ctx, g.Config)
	if err != nil {
		return err
	}
	root := newRoot(s, args[0], compose)
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// globalsAmong takes the global flags out of the words, since commands do not know them; they say which server is asked. When it is one of them
// that is being typed, they stay.
func globalsAmong(words []string) (globals, []string) {
	last := len(words) - 1
	g, rest, err := parseGlobals(words[:last])
	if err == nil {
		return g, append(rest, words[last])
	}
	g, _, _ = parseGlobals(words[:max(0, last-1)]) // The last one wants its value.
	return g, words
}

const completionHelp = `Write a script that makes a shell complete hyper's commands, flags and names. Names come from the server; without one there are none.

  bash        source <(hyper completion bash), in ~/.bashrc; needs the package bash-completion
  zsh         hyper completion zsh > "${fpath[1]}/_hyper"
  fish        hyper completion fish > ~/.config/fish/completions/hyper.fish
  powershell  hyper completion powershell | Out-String | Invoke-Expression, in the profile`

func completionCommand(s *session.Session) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:       "completion SHELL",
		Short:     "Write a script for completion in a shell",
		Long:      completionHelp,
		Args:      cli.ExactArgs(1),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			root, w := cmd.Root(), s.Out()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(w, true)
			case "zsh":
				return root.GenZshCompletion(w)
			case "fish":
				return root.GenFishCompletion(w, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(w)
			}
			return fmt.Errorf("there is no script for the shell %q: choose of %s", args[0], strings.Join(shells, ", "))
		},
	}
}
