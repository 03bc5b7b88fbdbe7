package compose

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/api/types/container"
	"github.com/spf13/cobra"
)

// living is a project as its containers are, without a file.
type living struct {
	name       string
	containers []container.Summary
	engine     *engine
	status     *status
	backend    api.Compose
}

// living finds the project's containers. A service that is named and has none is an error, and so is a project of which there is none.
func (p *project) living(ctx context.Context, services []string) (*living, error) {
	name, err := p.knownName()
	if err != nil {
		return nil, err
	}
	all, err := p.containers(ctx, name, nil, false)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, noProject(name)
	}
	chosen, err := p.among(all, services)
	if err != nil {
		return nil, err
	}
	out := &living{name: name, containers: chosen, engine: p.engine()}
	out.status = newStatus(p.session.Out(), p.session.Err(), name, len(servicesOf(all)))
	out.status.ofContainers(chosen)
	out.backend, err = p.backend(out.engine, out.status)
	return out, err
}

func (p *project) among(all []container.Summary, services []string) ([]container.Summary, error) {
	if err := known(all, services); err != nil {
		return nil, err
	}
	if len(services) == 0 {
		return all, nil
	}
	var out []container.Summary
	for _, c := range all {
		if slices.Contains(services, c.Labels[api.ServiceLabel]) {
			out = append(out, c)
		}
	}
	return out, nil
}

// do runs one part of a command, whose first and last lines are the project's.
func (l *living) do(ph phase, run func() error) error {
	l.status.begin(ph)
	if err := run(); err != nil && !errors.Is(err, api.ErrNoResources) {
		return err
	}
	l.status.end()
	return nil
}

// seconds is a flag's value for the library.
func seconds(n int) *time.Duration {
	d := time.Duration(n) * time.Second
	return &d
}

func (p *project) start() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "start [OPTIONS] [SERVICE...]",
		Short: "Start containers that are there",
		RunE: func(cmd *cobra.Command, services []string) error {
			l, err := p.living(cmd.Context(), services)
			if err != nil {
				return err
			}
			starting := starting
			starting.counted = false
			return l.do(starting, func() error {
				return respell(l.backend.Start(cmd.Context(), l.name, api.StartOptions{AttachTo: services}))
			})
		},
	}
	return p.common(cmd)
}

func (p *project) stop() *cobra.Command {
	var timeout int
	cmd := &cobra.Command{
		Use:   "stop [OPTIONS] [SERVICE...]",
		Short: "Stop containers without removing them",
		RunE: func(cmd *cobra.Command, services []string) error {
			l, err := p.living(cmd.Context(), services)
			if err != nil {
				return err
			}
			o := api.StopOptions{Services: services}
			if cmd.Flags().Changed("timeout") {
				o.Timeout = seconds(timeout)
			}
			return l.do(stopping, func() error { return l.backend.Stop(cmd.Context(), l.name, o) })
		},
	}
	cmd.Flags().IntVarP(&timeout, "timeout", "t", 10, "Seconds before a container that does not stop is killed")
	return p.common(cmd)
}

func (p *project) restart() *cobra.Command {
	var timeout int
	var alone bool
	cmd := &cobra.Command{
		Use:   "restart [OPTIONS] [SERVICE...]",
		Short: "Restart containers",
		RunE: func(cmd *cobra.Command, services []string) error {
			l, err := p.living(cmd.Context(), services)
			if err != nil {
				return err
			}
			o := api.RestartOptions{Services: services, NoDeps: alone}
			if cmd.Flags().Changed("timeout") {
				o.Timeout = seconds(timeout)
			}
			return l.do(restarting, func() error { return l.backend.Restart(cmd.Context(), l.name, o) })
		},
	}
	cmd.Flags().IntVarP(&timeout, "timeout", "t", 10, "Seconds before a container that does not stop is killed")
	cmd.Flags().BoolVar(&alone, "no-deps", false, "Leave out what depends on the services")
	return p.common(cmd)
}

func (p *project) kill() *cobra.Command {
	var signal string
	cmd := &cobra.Command{
		Use:   "kill [OPTIONS] [SERVICE...]",
		Short: "Kill containers",
		RunE: func(cmd *cobra.Command, services []string) error {
			l, err := p.living(cmd.Context(), services)
			if err != nil {
				return err
			}
			return l.do(killing, func() error {
				return l.backend.Kill(cmd.Context(), l.name, api.KillOptions{Services: services, Signal: signal})
			})
		},
	}
	cmd.Flags().StringVarP(&signal, "signal", "s", "KILL", "Signal to send")
	return p.common(cmd)
}

func (p *project) pause() *cobra.Command {
	return p.common(&cobra.Command{
		Use:   "pause [OPTIONS] [SERVICE...]",
		Short: "Pause all processes of containers",
		RunE: func(cmd *cobra.Command, services []string) error {
			l, err := p.living(cmd.Context(), services)
			if err != nil {
				return err
			}
			return l.backend.Pause(cmd.Context(), l.name, api.PauseOptions{Services: services})
		},
	})
}

func (p *project) unpause() *cobra.Command {
	return p.common(&cobra.Command{
		Use:   "unpause [OPTIONS] [SERVICE...]",
		Short: "Let paused containers go on",
		RunE: func(cmd *cobra.Command, services []string) error {
			l, err := p.living(cmd.Context(), services)
			if err != nil {
				return err
			}
			return l.backend.UnPause(cmd.Context(), l.name, api.PauseOptions{Services: services})
		},
	})
}
