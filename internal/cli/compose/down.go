package compose

import (
	"fmt"
	"time"

	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/client"
	"github.com/spf13/cobra"
)

func (p *project) down() *cobra.Command {
	var images string
	var volumes, orphans bool
	var timeout int
	cmd := &cobra.Command{
		Use:   "down [OPTIONS] [SERVICE...]",
		Short: "Stop and remove containers, and the networks that were made for them",
		Long: "Stops and removes all containers of the project, and the networks that were made for them; floating IPs are detached and stay the account's.\n" +
			"No file is needed: with -f, containers of services that the file does not have are left.",
		RunE: func(cmd *cobra.Command, services []string) error {
			if images != "" && images != "all" && images != "local" {
				return fmt.Errorf("rmi with %s is not valid", images)
			}
			var grace *time.Duration
			if cmd.Flags().Changed("timeout") {
				grace = seconds(timeout)
			}
			return p.runDown(cmd, services, api.DownOptions{RemoveOrphans: orphans, Timeout: grace, Images: images, Volumes: volumes, Services: services})
		},
	}
	f := cmd.Flags()
	f.StringVar(&images, "rmi", "", "Remove images too: all of the services', or local ones that have no name of their own")
	f.BoolVarP(&volumes, "volumes", "v", false, "Remove automatic volumes, and those that the project made")
	f.BoolVar(&orphans, "remove-orphans", false, "Remove containers of services that the file does not have, and of run")
	f.IntVarP(&timeout, "timeout", "t", 10, "Seconds before a container that does not stop is killed")
	return p.common(cmd)
}

func (p *project) runDown(cmd *cobra.Command, services []string, o api.DownOptions) error {
	ctx := cmd.Context()
	name, err := p.knownName()
	if err != nil {
		return err
	}
	if len(p.files) > 0 {
		if o.Project, err = p.load(ctx); err != nil {
			return err
		}
	}
	all, err := p.containers(ctx, name, nil, o.RemoveOrphans)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		made, err := p.made(cmd, name)
		if err != nil {
			return err
		}
		if !made {
			return noProject(name)
		}
	}
	chosen, err := p.among(all, services)
	if err != nil {
		return err
	}
	s := newStatus(p.session.Out(), p.session.Err(), name, len(servicesOf(all)))
	s.ofContainers(chosen)
	b, err := p.backend(p.engine(), s)
	if err != nil {
		return err
	}
	s.begin(stopping)
	if len(chosen) > 0 {
		if err := b.Stop(ctx, name, api.StopOptions{Project: o.Project, Timeout: o.Timeout, Services: services}); err != nil {
			return err
		}
	}
	s.end()
	s.begin(deleting)
	if err := b.Down(ctx, name, o); err != nil {
		return err
	}
	s.end()
	return nil
}

// made reports whether there are networks of the project, or volumes, though no containers.
func (p *project) made(cmd *cobra.Command, name string) (bool, error) {
	of := make(client.Filters).Add("label", api.ProjectLabel+"="+name)
	networks, err := p.session.Docker().NetworkList(cmd.Context(), client.NetworkListOptions{Filters: of})
	if err != nil || len(networks.Items) > 0 {
		return err == nil, err
	}
	volumes, err := p.session.Docker().VolumeList(cmd.Context(), client.VolumeListOptions{Filters: of})
	return len(volumes.Items) > 0, err
}
