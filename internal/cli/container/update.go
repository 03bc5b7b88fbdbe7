package container

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/opts"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/session"
	dockerclient "github.com/moby/moby/client"
	"github.com/spf13/cobra"
)

type updateOptions struct {
	protection, restart string
	addGroups, rmGroups []string
}

// Update changes the protection, the security groups and the restart policy of containers.
func Update(s *session.Session) *cobra.Command {
	var o updateOptions
	cmd := &cobra.Command{
		Use:   "update [OPTIONS] CONTAINER [CONTAINER...]",
		Short: "Change a container's protection, security groups or restart policy",
		Args:  cli.RequiresMinArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			if cmd.Flags().NFlag() == 0 {
				return errors.New("You must provide one or more flags when using this command.")
			}
			apply, err := o.plan(cmd, s)
			if err != nil {
				return err
			}
			var failed []error
			for _, name := range names {
				if err := apply(name); err != nil {
					failed = append(failed, err)
					continue
				}
				fmt.Fprintln(s.Out(), name)
			}
			return errors.Join(failed...)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.protection, "protection", "", "Protect against removal: true or false")
	f.StringVar(&o.restart, "restart", "", "What to do when it exits: no, on-failure[:N], always, unless-stopped")
	f.StringArrayVar(&o.addGroups, "sg-add", nil, "Join a security group")
	f.StringArrayVar(&o.rmGroups, "sg-rm", nil, "Leave a security group")
	return cmd
}

// plan checks the flags and returns what has to be done to each container.
func (o *updateOptions) plan(cmd *cobra.Command, s *session.Session) (func(name string) error, error) {
	update := types.ContainerUpdate{AddSecurityGroups: yesSet(o.addGroups), RemoveSecurityGroups: yesSet(o.rmGroups)}
	if cmd.Flags().Changed("protection") {
		protect, err := strconv.ParseBool(o.protection)
		if err != nil {
			return nil, fmt.Errorf("Parse flag protection failed: %q is neither true nor false", o.protection)
		}
		update.SetContainerProtection = strconv.FormatBool(protect)
	}
	own := update.SetContainerProtection != "" || len(o.addGroups)+len(o.rmGroups) > 0

	var docker *dockerclient.ContainerUpdateOptions
	if cmd.Flags().Changed("restart") {
		policy, err := opts.ParseRestartPolicy(o.restart)
		if err != nil {
			return nil, err
		}
		docker = &dockerclient.ContainerUpdateOptions{RestartPolicy: &policy}
	}
	return func(name string) error {
		if own {
			if err := s.Hyper.ContainerUpdate(cmd.Context(), name, update); err != nil {
				return err
			}
		}
		if docker == nil {
			return nil
		}
		result, err := s.Docker().ContainerUpdate(cmd.Context(), name, *docker)
		for _, w := range result.Warnings {
			fmt.Fprintln(s.Err(), "WARNING:", w)
		}
		return err
	}, nil
}

func yesSet(names []string) map[string]string {
	if len(names) == 0 {
		return nil
	}
	set := map[string]string{}
	for _, n := range names {
		set[n] = "yes"
	}
	return set
}
