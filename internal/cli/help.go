package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/hypercloud/hyper/internal/cli/group"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// section is a group of commands in the top-level help.
type section struct {
	title string
	names []string
}

var sections = []section{
	{"Containers", strings.Fields("run create start stop restart kill rm ps logs exec attach inspect stats top port cp diff export commit rename update wait pause unpause")},
	{"Projects", []string{"compose"}},
	{"Images", strings.Fields("images build pull push rmi tag history search load save login logout")},
	{"Volumes and addresses", strings.Fields("volume snapshot network fip sg")},
	{"Use and cost", strings.Fields("usage bill prices budget")},
	{"Account and server", strings.Fields("config region info version events quota credential token certificate docker-env completion")},
	{"Operator", strings.Fields("admin")},
}

// showRootHelp is the text of "hyper --help".
func showRootHelp(w io.Writer, root *cobra.Command) {
	fmt.Fprint(w, "Usage:\thyper [OPTIONS] COMMAND [ARG...]\n\nA container cloud: run a container, and it is there.\n\nOptions:\n\n")
	showFlags(w, new(globals).flags())
	byName := map[string]*cobra.Command{}
	for _, cmd := range root.Commands() {
		byName[cmd.Name()] = cmd
	}
	for _, s := range sections {
		fmt.Fprintf(w, "\n%s:\n", s.title)
		for _, name := range s.names {
			if cmd := byName[name]; cmd != nil {
				fmt.Fprintf(w, "    %-13s%s\n", name, cmd.Short)
			}
		}
	}
	fmt.Fprint(w, "\nRun 'hyper COMMAND --help' for more information on a command.\n")
}

// showHelp is the text of "hyper CMD --help".
func showHelp(w io.Writer, cmd *cobra.Command) {
	if !cmd.HasParent() {
		showRootHelp(w, cmd)
		return
	}
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	if cmd.HasAvailableSubCommands() && !group.DoesRun(cmd) {
		options := ""
		if strings.Contains(cmd.Use, "[OPTIONS]") {
			options = " [OPTIONS]"
		}
		fmt.Fprintf(w, "Usage:\t%s%s COMMAND\n\n%s\n", cmd.CommandPath(), options, text)
		if options != "" {
			fmt.Fprintln(w)
			showFlags(w, cmd.Flags())
		}
		showCommands(w, cmd)
		fmt.Fprintf(w, "\nRun '%s COMMAND --help' for more information on a command.\n", cmd.CommandPath())
		return
	}
	fmt.Fprintf(w, "Usage:\t%s\n\n%s\n", useLine(cmd), text)
	reword(cmd)
	if cmd.HasAvailableFlags() {
		fmt.Fprintln(w)
		showFlags(w, cmd.Flags())
	}
	if cmd.HasAvailableSubCommands() {
		showCommands(w, cmd)
	}
	if text := exampleOf(cmd); text != "" {
		fmt.Fprintf(w, "\nExamples:\n\n  %s\n", strings.ReplaceAll(text, "\n", "\n  "))
	}
}

func showCommands(w io.Writer, cmd *cobra.Command) {
	fmt.Fprint(w, "\nCommands:\n")
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			fmt.Fprintf(w, "  %-25s%s\n", sub.Name(), sub.Short)
		}
	}
}

func useLine(cmd *cobra.Command) string {
	if cmd.HasParent() {
		return cmd.Parent().CommandPath() + " " + cmd.Use
	}
	return cmd.Use
}

func showFlags(w io.Writer, f *pflag.FlagSet) {
	tw := tabwriter.NewWriter(w, 20, 1, 3, ' ', 0)
	f.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden || (flag.Name == "help" && flag.Shorthand != "h") || strings.HasPrefix(flag.Usage, "help for ") {
			return
		}
		head := "  --" + flag.Name
		if flag.Shorthand != "" {
			head = "  -" + flag.Shorthand + ", --" + flag.Name
		}
		switch flag.Value.Type() {
		case "list", "stringArray", "stringSlice", "filter", "map":
			head += "=[]"
		default:
			if !zeroDefault(flag.DefValue) {
				head += "=" + flag.DefValue
			}
		}
		_, usage := pflag.UnquoteUsage(flag)
		usage = strings.TrimSuffix(usage, " (default 0s)")
		fmt.Fprintf(tw, "%s\t%s\n", head, usage)
	})
	tw.Flush()
}

func zeroDefault(v string) bool {
	switch v {
	case "", "false", "0", "0s", "-1", "[]", "<nil>":
		return true
	}
	return false
}
