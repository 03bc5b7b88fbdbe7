package compose

import (
	"context"
	"fmt"
	"slices"

	"github.com/docker/compose/v5/pkg/api"
	"github.com/spf13/cobra"
)

func (p *project) pull() *cobra.Command {
	var quiet, ignore bool
	cmd := &cobra.Command{
		Use:   "pull [OPTIONS] [SERVICE...]",
		Short: "Pull the images of services",
		RunE: func(cmd *cobra.Command, services []string) error {
			whole, err := p.load(cmd.Context(), services...)
			if err != nil {
				return err
			}
			if !quiet {
				for _, name := range whole.ServiceNames() {
					if len(services) == 0 || slices.Contains(services, name) {
						fmt.Fprintf(p.session.Err(), "Pulling %s (%s)...\n", name, whole.Services[name].Image)
					}
				}
			}
			b, err := p.backend(p.engine(), nothing{})
			if err != nil {
				return err
			}
			return b.Pull(cmd.Context(), whole, api.PullOptions{Quiet: true, IgnoreFailures: ignore})
		},
	}
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "Do not tell of it")
	cmd.Flags().BoolVar(&ignore, "ignore-pull-failures", false, "Go on when one cannot be pulled")
	return p.common(cmd)
}

// nothing hears of progress and says nothing.
type nothing struct{}

func (nothing) Start(context.Context, string) {}
func (nothing) On(...api.Resource)            {}
func (nothing) Done(string, bool)             {}
