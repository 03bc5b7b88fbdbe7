package compose

import (
	"github.com/docker/compose/v5/pkg/api"
	"github.com/spf13/cobra"
)

func (p *project) cp() *cobra.Command {
	var o api.CopyOptions
	cmd := &cobra.Command{
		Use:   "cp [OPTIONS] SERVICE:PATH PATH | PATH SERVICE:PATH",
		Short: "Copy files between a service's container and here",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := p.living(cmd.Context(), nil)
			if err != nil {
				return err
			}
			o.Source, o.Destination = args[0], args[1]
			return respell(l.backend.Copy(cmd.Context(), l.name, o))
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.Index, "index", 0, "Number of the container, of a service that has several")
	f.BoolVar(&o.All, "all", false, "Copy to all containers of the service, and those of run")
	f.BoolVarP(&o.FollowLink, "follow-link", "L", false, "Copy what a link of the source points to")
	f.BoolVarP(&o.CopyUIDGID, "archive", "a", false, "Keep owners")
	return p.common(cmd)
}
