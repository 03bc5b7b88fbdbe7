package compose

import (
	"fmt"

	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/spf13/cobra"
)

func (p *project) rm() *cobra.Command {
	var stop, volumes bool
	cmd := &cobra.Command{
		Use:   "rm [OPTIONS] [SERVICE...]",
		Short: "Remove stopped containers",
		RunE: func(cmd *cobra.Command, services []string) error {
			name, err := p.knownName()
			if err != nil {
				return err
			}
			all, err := p.containers(cmd.Context(), name, nil, false)
			if err != nil {
				return err
			}
			chosen, err := p.among(all, services)
			if err != nil && len(all) > 0 {
				return err
			}
			if stop && len(chosen) > 0 {
				l, err := p.living(cmd.Context(), services)
				if err != nil {
					return err
				}
				if err := l.do(stopping, func() error { return l.backend.Stop(cmd.Context(), name, api.StopOptions{Services: services}) }); err != nil {
					return err
				}
			}
			var gone []container.Summary
			for _, c := range chosen {
				if stop || c.State != container.StateRunning && c.State != container.StatePaused && c.State != container.StateRestarting {
					gone = append(gone, c)
				}
			}
			if len(gone) == 0 {
				fmt.Fprintln(p.session.Out(), "No stopped containers")
				return nil
			}
			s := newStatus(p.session.Out(), p.session.Err(), name, len(servicesOf(all)))
			s.ofContainers(gone)
			s.begin(deleting)
			for _, c := range gone {
				s.On(api.Resource{ID: "Container " + nameOf(c), Text: api.StatusRemoving})
				if _, err := p.session.Docker().ContainerRemove(cmd.Context(), c.ID, client.ContainerRemoveOptions{RemoveVolumes: volumes}); err != nil {
					return err
				}
				s.On(api.Resource{ID: "Container " + nameOf(c), Text: api.StatusRemoved, Status: api.Done})
			}
			s.end()
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&volumes, "volumes", "v", false, "Remove their automatic volumes too")
	f.BoolVarP(&stop, "stop", "s", false, "Stop them first")
	f.BoolP("force", "f", false, "Do not ask; there is no question")
	return p.long(cmd, "", "p")
}
