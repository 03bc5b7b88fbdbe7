package compose

import (
	"context"

	"github.com/docker/compose/v5/pkg/api"
	"github.com/spf13/cobra"
)

func (p *project) create() *cobra.Command {
	var m making
	cmd := &cobra.Command{
		Use:   "create [OPTIONS] [SERVICE...]",
		Short: "Create containers without starting them",
		RunE: func(cmd *cobra.Command, services []string) error {
			if err := m.check(); err != nil {
				return err
			}
			to, err := p.prepare(cmd.Context(), &m, services)
			if err != nil {
				return err
			}
			return p.runCreate(cmd.Context(), to, m.options(services))
		},
	}
	m.flags(cmd.Flags())
	return p.common(cmd)
}

func (p *project) runCreate(ctx context.Context, to *prepared, o api.CreateOptions) error {
	to.status.begin(creating)
	if err := to.backend.Create(ctx, to.Project, o); err != nil {
		return err
	}
	to.status.end()
	return nil
}
