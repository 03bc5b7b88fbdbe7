package cli

import (
	"fmt"
	"strings"

	"github.com/hypercloud/hyper/internal/cli/admin"
	"github.com/hypercloud/hyper/internal/cli/bill"
	"github.com/hypercloud/hyper/internal/cli/budget"
	"github.com/hypercloud/hyper/internal/cli/certificate"
	"github.com/hypercloud/hyper/internal/cli/complete"
	"github.com/hypercloud/hyper/internal/cli/config"
	"github.com/hypercloud/hyper/internal/cli/container"
	"github.com/hypercloud/hyper/internal/cli/credential"
	"github.com/hypercloud/hyper/internal/cli/dockerenv"
	"github.com/hypercloud/hyper/internal/cli/fip"
	"github.com/hypercloud/hyper/internal/cli/group"
	"github.com/hypercloud/hyper/internal/cli/image"
	"github.com/hypercloud/hyper/internal/cli/prices"
	"github.com/hypercloud/hyper/internal/cli/quota"
	"github.com/hypercloud/hyper/internal/cli/region"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/hypercloud/hyper/internal/cli/sg"
	"github.com/hypercloud/hyper/internal/cli/snapshot"
	"github.com/hypercloud/hyper/internal/cli/system"
	"github.com/hypercloud/hyper/internal/cli/token"
	"github.com/hypercloud/hyper/internal/cli/usage"
	"github.com/hypercloud/hyper/internal/cli/volume"
	"github.com/spf13/cobra"
)

// newRoot makes the command tree of one session. All of it takes some milliseconds, each time anew; when the first argument is a verb of
// docker/cli's, or compose where that is linked, what else there is is left out.
func newRoot(s *session.Session, first string, compose Constructor) *cobra.Command {
	root := &cobra.Command{
		Use:               "hyper [OPTIONS] COMMAND [ARG...]",
		Short:             "A container cloud",
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		Args:              cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			showRootHelp(s.Out(), cmd)
			return nil
		},
	}
	root.SetIn(s.Cli.In())
	root.SetOut(s.Out())
	root.SetErr(s.Err())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return flagError(cmd.CommandPath(), err) })
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { showHelp(s.Out(), cmd) })
	root.SetUsageFunc(func(cmd *cobra.Command) error { showHelp(s.Err(), cmd); return nil })
	root.SetHelpCommand(helpCommand(s))

	if compose != nil {
		// Flags may stand before compose's own commands.
		root.TraverseChildren = true
	}
	if compose == nil {
		compose = composeStub
	} else if first == "compose" {
		// Nothing but compose runs in that program.
		root.AddCommand(compose(s))
		finish(root)
		withJSON(root)
		return root
	}
	alone := fromDocker[first] != ""
	verbs, groups := dockerCommands(s, !alone)
	for _, cmd := range verbs {
		if cmd.Name() == "run" || cmd.Name() == "create" {
			container.Extend(s, cmd)
		}
	}
	root.AddCommand(verbs...)
	if !alone {
		addOthers(s, root, groups)
		root.AddCommand(compose(s))
	}
	finish(root)
	withJSON(root)
	if first == cobra.ShellCompRequestCmd || first == cobra.ShellCompNoDescRequestCmd {
		root.Flags().AddFlagSet(new(globals).flags())
		complete.Register(s, root)
	}
	return root
}

// addOthers adds Hyper's own commands and the groups of docker/cli's.
func addOthers(s *session.Session, root *cobra.Command, groups map[string]*cobra.Command) {
	root.AddCommand(
		container.Inspect(s), container.Port(s), container.Ps(s), container.Rm(s), container.Stats(s), container.Update(s),
		image.History(s), image.List(s), image.Load(s), image.Pull(s), image.Search(s),
		system.Info(s), system.Version(s),
		config.Command(s),
		fip.Command(s), sg.Command(s), snapshot.Command(s),
	)
	root.AddCommand(
		completionCommand(s), admin.Command(s), certificate.Command(s), credential.Command(s), dockerenv.Command(s), quota.Command(s), region.Command(s), token.Command(s),
		bill.Command(s), budget.Command(s), prices.Command(s), usage.Command(s),
	)
	volumes := volume.Command(s)
	for _, cmd := range groups["volume"].Commands() {
		if cmd.Name() == "prune" {
			groups["volume"].RemoveCommand(cmd)
			cmd.Short = "Remove volumes that no container has"
			volumes.AddCommand(cmd)
		}
	}
	root.AddCommand(volumes)
	root.AddCommand(
		replace(groups["container"], "",
			renamed(container.Ps(s), "ls", "ps", "list"), container.Rm(s), container.Stats(s), container.Update(s),
			container.Port(s), extended(s, groups["container"], "run"), extended(s, groups["container"], "create")),
		replace(groups["image"], "build import", renamed(image.List(s), "ls", "list"), image.History(s), image.Load(s), image.Pull(s)),
		replace(groups["system"], "", system.Info(s)),
		networks(groups["network"]),
	)
}

// networks is docker/cli's group, without the flags for what a network here never is; who gives one all the same hears of it from the server.
func networks(group *cobra.Command) *cobra.Command {
	for _, cmd := range group.Commands() {
		if cmd.Name() != "create" {
			continue
		}
		for _, flag := range strings.Fields("attachable config-from config-only driver ingress ipam-driver ipam-opt ipv4 ipv6 opt scope") {
			if f := cmd.Flags().Lookup(flag); f != nil {
				f.Hidden = true
			}
		}
	}
	return group
}

// extended is run or create of docker/cli's group, with what Hyper adds.
func extended(s *session.Session, group *cobra.Command, name string) *cobra.Command {
	for _, cmd := range group.Commands() {
		if cmd.Name() == name {
			return container.Extend(s, cmd)
		}
	}
	return nil
}

// finish gives every command Hyper's reports of wrong arguments.
func finish(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		sub.DisableFlagsInUseLine = true
		if check := sub.Args; check != nil {
			sub.Args = func(cmd *cobra.Command, args []string) error {
				return argumentsError(cmd, check(cmd, args))
			}
		}
		if sub.HasSubCommands() && !group.DoesRun(sub) {
			sub.Args = cobra.ArbitraryArgs
			sub.RunE = func(cmd *cobra.Command, args []string) error {
				if len(args) > 0 {
					return unknownCommand(cmd, args[0])
				}
				return cmd.Help()
			}
		}
		finish(sub)
	}
}

func helpCommand(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:    "help [COMMAND]",
		Short:  "Show help about a command",
		Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || found == nil || len(rest) > 0 {
				return fmt.Errorf("hyper: '%s' is not a hyper command.\nSee 'hyper --help'.", args[0])
			}
			showHelp(s.Out(), found)
			return nil
		},
	}
}
