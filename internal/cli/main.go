// Package cli is the client, hyper.
//
// Most commands are docker/cli's own, used as a library, so that streams, terminals, signals and exit codes behave as
// they do there. What is Hyper's own lives below: one package per noun, one file per verb, each with a function that
// takes the session and returns a cobra command. This package ties them together and knows what all have in common:
// the global flags (globals.go), the texts and codes of errors (errors.go), help (help.go) and the first client's
// reading of bundled flags (arguments.go).
package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/hypercloud/hyper/internal/version"
	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Main runs the client with the process's arguments and streams, and returns its exit code. compose makes the command of that name;
// where there is none, another program has it.
func Main(compose Constructor) int {
	ctx, stop := interruptible(context.Background())
	defer stop()

	if asked, words := completing(os.Args[1:]); asked {
		return offer(ctx, os.Args[1], words, compose)
	}
	g, args, err := parseGlobals(os.Args[1:])
	if err == nil && compose == nil && forCompose(args) {
		code, err := handOver()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		return code
	}
	if err == nil && g.version && !g.help {
		fmt.Printf("Hyper version %s, build %s\n", version.Version, version.Commit)
		return 0
	}
	if err == nil {
		err = g.choose()
	}
	if err == nil {
		err = run(ctx, g, args, compose)
	}
	if text := explain(ctx, g.Server.Host, err); text != "" {
		fmt.Fprintln(os.Stderr, text)
	}
	return exitCode(ctx, err)
}

func run(ctx context.Context, g globals, args []string, compose Constructor) error {
	s, err := session.New(ctx, g.Config)
	if err != nil {
		return err
	}
	logrus.SetOutput(s.Err())
	if g.help {
		showHelp(s.Out(), named(newRoot(s, "", compose), args))
		return nil
	}
	first := ""
	if len(args) > 0 {
		first = args[0]
	}
	root := newRoot(s, first, compose)
	root.SetArgs(rewrite(root, args))
	go insist(ctx, s)
	return root.ExecuteContext(ctx)
}

// named is the command that the arguments begin with, or the root.
func named(root *cobra.Command, args []string) *cobra.Command {
	if cmd, _, err := root.Find(args); err == nil {
		return cmd
	}
	return root
}

// rewrite takes apart the bundles of short flags of the commands whose first client's scripts rely on it, and lets an amount be less than nothing.
func rewrite(root *cobra.Command, args []string) []string {
	var change func(*pflag.FlagSet, []string) []string
	switch {
	case len(args) > 0 && (args[0] == "ps" || args[0] == "images"):
		change = unbundle
	case len(args) > 1 && args[0] == "admin" && args[1] == "correct":
		change = negativeLast
	default:
		return args
	}
	cmd, rest, err := root.Find(args)
	if err != nil || cmd == root {
		return args
	}
	return append(strings.Fields(strings.TrimPrefix(cmd.CommandPath(), root.Name())), change(cmd.Flags(), rest)...)
}

// interruptible is a context that ends with the first SIGINT or SIGTERM, the signal being its cause.
func interruptible(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-ctx.Done():
		case s := <-signals:
			cancel(signalled{s})
		}
		signal.Stop(signals)
	}()
	return ctx, func() { cancel(nil) }
}

// insist ends the client at the third signal, when a command does not listen to its context.
func insist(ctx context.Context, s *session.Session) {
	<-ctx.Done()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	<-signals
	<-signals
	fmt.Fprintln(s.Err(), "\ngot 3 SIGTERM/SIGINTs, forcefully exiting")
	s.Cli.In().RestoreTerminal()
	s.Cli.Out().RestoreTerminal()
	s.Cli.Err().RestoreTerminal()
	os.Exit(exitError)
}
