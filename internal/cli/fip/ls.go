package fip

import (
	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

// fipListing keeps the header words that scripts skip the first line by.
var fipListing = listing.Listing{
	Default: "{{.FloatingIP}}\t{{.Name}}\t{{.Container}}\t{{.Service}}",
	Raw:     "floating_ip: {{.FloatingIP}}\nname: {{.Name}}\ncontainer: {{.Container}}\nservice: {{.Service}}\n",
	Quiet:   "{{.FloatingIP}}",
	Headers: map[string]string{"FloatingIP": "Floating IP", "Name": "Name", "Container": "Container", "Service": "Service"},
}

type row struct{ FloatingIP, Name, Container, Service string }

func ls(s *session.Session) *cobra.Command {
	var (
		filter listing.Filter
		format string
		quiet  bool
	)
	cmd := &cobra.Command{
		Use:     "ls [OPTIONS]",
		Aliases: []string{"list"},
		Short:   "List floating IPs",
		Args:    cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fips, err := s.Hyper.FIPList(cmd.Context(), filter.Sets())
			if err != nil {
				return err
			}
			rows := make([]row, 0, len(fips))
			for _, f := range fips {
				rows = append(rows, row{f.Address, f.Name, f.Container, f.Service})
			}
			return listing.Write(s.Out(), fipListing, format, quiet, rows)
		},
	}
	f := cmd.Flags()
	f.VarP(&filter, "filter", "f", "Show only what matches: dangling=true or dangling=false")
	f.StringVar(&format, "format", "", listing.FormatHelp)
	f.BoolVarP(&quiet, "quiet", "q", false, "Show only addresses")
	return cmd
}
