package compose

import (
	"fmt"
	"time"

	"github.com/docker/cli/cli"
	"github.com/docker/compose/v5/pkg/api"
	"github.com/spf13/cobra"
)

// eventRow is something that happened to a container.
type eventRow struct {
	Time       time.Time         `json:"time"`
	Service    string            `json:"service"`
	ID         string            `json:"id"`
	Action     string            `json:"action"`
	Attributes map[string]string `json:"attributes"`
}

func (p *project) events() *cobra.Command {
	var o api.EventsOptions
	cmd := &cobra.Command{
		Use:   "events [OPTIONS] [SERVICE...]",
		Short: "Show what happens to the project's containers, as it happens",
	}
	f := cmd.Flags()
	f.StringVar(&o.Since, "since", "", "What has happened since then")
	f.StringVar(&o.Until, "until", "", "What happens until then")
	format := formatFlag(f)
	cmd.RunE = func(cmd *cobra.Command, services []string) error {
		name, err := p.knownName()
		if err != nil {
			return err
		}
		b, err := p.backend(p.engine(), nothing{})
		if err != nil {
			return err
		}
		o.Services = services
		o.Consumer = func(e api.Event) error {
			row := eventRow{e.Timestamp, e.Service, e.Container, e.Status, e.Attributes}
			return write(p.session.Out(), *format, []eventRow{row}, nil, func(r eventRow) []string {
				return []string{fmt.Sprintf("%s %s: %s (%s)", r.Time.Format(time.RFC3339Nano), r.Service, r.Action, r.Attributes["name"])}
			})
		}
		return b.Events(cmd.Context(), name, o)
	}
	return p.common(cmd)
}

func (p *project) wait() *cobra.Command {
	var down bool
	cmd := &cobra.Command{
		Use:   "wait [OPTIONS] SERVICE...",
		Short: "Wait until a container of the services exits, and exit with its code",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, services []string) error {
			l, err := p.living(cmd.Context(), services)
			if err != nil {
				return err
			}
			code, err := l.backend.Wait(cmd.Context(), l.name, api.WaitOptions{Services: services, DownProjectOnContainerExit: down})
			if err != nil {
				return err
			}
			if code != 0 {
				return cli.StatusError{StatusCode: int(code)}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&down, "down-project", false, "Stop and remove the project's containers then")
	return p.common(cmd)
}

func (p *project) watch() *cobra.Command {
	var m making
	var noUp bool
	cmd := &cobra.Command{
		Use:   "watch [OPTIONS] [SERVICE...]",
		Short: "Bring changed files into containers, as the file's develop sections say",
		Long:  "Brings the containers up, and then copies changed files into them, or restarts them, as 'develop: watch:' of the services says. What would build an image is refused.",
		RunE: func(cmd *cobra.Command, services []string) error {
			to, err := p.prepare(cmd.Context(), &m, services)
			if err != nil {
				return err
			}
			if !noUp {
				to.status.begin(starting)
				o := api.UpOptions{Create: m.options(services), Start: api.StartOptions{Project: to.Project, Services: services}}
				if err := to.backend.Up(cmd.Context(), to.Project, o); err != nil {
					return err
				}
				to.status.end()
			}
			out := newLines(p.session.Out(), p.session.Err(), p.session.Cli.Out().IsTerminal())
			return to.backend.Watch(cmd.Context(), to.Project, api.WatchOptions{LogTo: out, Services: services, Build: &api.BuildOptions{}})
		},
	}
	cmd.Flags().BoolVar(&noUp, "no-up", false, "Do not bring them up first")
	cmd.Flags().BoolVarP(&m.yes, "yes", "y", false, "Allocate floating IPs without asking")
	return p.common(cmd)
}
