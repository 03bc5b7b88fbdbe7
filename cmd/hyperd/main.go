// Command hyperd is Hyper's daemon: a container cloud on this machine.
//
// It is the only place that knows all the parts: it reads the configuration, opens the store, takes
// hold of the machine, brings both together, and serves the API.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/hypercloud/hyper/internal/version"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := command().ExecuteContext(ctx); errors.Is(err, errUnwell) {
		os.Exit(1)
	} else if err != nil {
		fmt.Fprintf(os.Stderr, "hyperd: %v\n", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	c := defaults()
	root := &cobra.Command{
		Use:           "hyperd",
		Short:         "A container cloud on this machine",
		Long:          "hyperd runs containers for accounts on this machine and serves the API of Docker and of Hyper.\nStopping it leaves the containers running; the next start takes them up again.",
		Version:       version.Version,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	file := flags(root.PersistentFlags(), &c)
	setup := func() (*slog.Logger, error) {
		if err := load(root.PersistentFlags(), &c, *file); err != nil {
			return nil, err
		}
		if os.Geteuid() != 0 {
			return nil, errors.New("hyperd must be started by root: it makes namespaces, mounts and firewall rules")
		}
		var level slog.Level
		if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
			return nil, fmt.Errorf("log level %q: use debug, info, warn or error", c.LogLevel)
		}
		return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})), nil
	}
	root.RunE = func(cmd *cobra.Command, _ []string) error {
		log, err := setup()
		if err != nil {
			return err
		}
		return serve(cmd.Context(), c, log)
	}
	root.AddCommand(doctorCommand(&c, func() error {
		_, err := setup()
		return err
	}))
	root.AddCommand(&cobra.Command{
		Use:   "cleanup",
		Short: "Remove every container, network, volume and image of a data root from this machine",
		Long: "cleanup ends and destroys all that a hyperd with this --data-root and --run-dir has made on this machine, volumes and\n" +
			"their data included. hyperd must not be running on them.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := setup()
			if err != nil {
				return err
			}
			return cleanup(cmd.Context(), c, log)
		},
	})
	return root
}
