// Package snapshot holds the client's commands for snapshots of volumes.
package snapshot

import (
	"errors"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/docker/cli/cli"
	"github.com/spf13/cobra"

	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/session"
)

// Command is the group "hyper snapshot".
func Command(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "snapshot COMMAND",
		Short: "Manage snapshots of volumes",
		Long: "A snapshot is what a volume held at a moment. It takes milliseconds at any size, and room only for what differs.\n" +
			"'hyper volume create --snapshot' makes a further volume of one, 'hyper snapshot restore' puts one in its volume's place.",
	}
	cmd.AddCommand(create(s), inspect(s), ls(s), restore(s), rm(s), schedule(s))
	return cmd
}

func create(s *session.Session) *cobra.Command {
	var o types.SnapshotCreate
	cmd := &cobra.Command{
		Use:   "create --volume VOLUME [OPTIONS]",
		Short: "Take a snapshot of a volume",
		Args:  cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Volume == "" {
				return errors.New("name the volume by --volume")
			}
			made, err := s.Hyper.SnapshotCreate(cmd.Context(), o)
			if err != nil {
				return err
			}
			fmt.Fprintln(s.Out(), made.Name)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.Volume, "volume", "v", "", "Volume that the snapshot is taken of")
	f.StringVar(&o.Name, "name", "", "Name of the snapshot; one is made up when there is none")
	f.BoolVarP(&o.Force, "force", "f", false, "Also while a container has the volume: what it has written by now")
	return cmd
}

func rm(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:     "rm SNAPSHOT [SNAPSHOT...]",
		Aliases: []string{"remove"},
		Short:   "Remove snapshots",
		Args:    cli.RequiresMinArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			var failed []error
			for _, name := range names {
				if err := s.Hyper.SnapshotRemove(cmd.Context(), name); err != nil {
					failed = append(failed, notFound(err, name))
					continue
				}
				fmt.Fprintln(s.Out(), name)
			}
			return errors.Join(failed...)
		},
	}
}

func restore(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:   "restore SNAPSHOT",
		Short: "Put a snapshot in its volume's place",
		Long: "Puts what a snapshot holds in the place of what its volume holds now. The container that has the volume must not run.\n" +
			"What the volume holds now is kept in a further snapshot, whose name is printed.",
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			safety, err := s.Hyper.SnapshotRestore(cmd.Context(), names[0])
			if err != nil {
				return notFound(err, names[0])
			}
			fmt.Fprintln(s.Out(), safety.Name)
			return nil
		},
	}
}

// notFound is what is said of a snapshot that is not there.
func notFound(err error, name string) error {
	if errdefs.IsNotFound(err) {
		return fmt.Errorf("Error: No such snapshot: %s", name)
	}
	return err
}
