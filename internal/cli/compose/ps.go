package compose

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/docker/cli/cli/command/formatter"
	"github.com/moby/moby/api/types/container"
	"github.com/spf13/cobra"
)

func (p *project) ps() *cobra.Command {
	var quiet, services bool
	cmd := &cobra.Command{
		Use:   "ps [OPTIONS] [SERVICE...]",
		Short: "List the project's containers",
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := p.knownName()
			if err != nil {
				return err
			}
			all, err := p.containers(cmd.Context(), name, nil, false)
			if err != nil {
				return err
			}
			chosen := all
			if len(args) > 0 && len(all) > 0 {
				if chosen, err = p.among(all, args); err != nil {
					return err
				}
			}
			if services {
				for _, name := range servicesOf(chosen) {
					fmt.Fprintln(p.session.Out(), name)
				}
				return nil
			}
			return writePs(p.session.Out(), chosen, quiet)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&quiet, "quiet", "q", false, "Show ids only")
	f.BoolVar(&services, "services", false, "Show the services' names only")
	f.BoolP("all", "a", true, "Show stopped ones too, as always")
	_ = f.MarkHidden("all")
	return p.common(cmd)
}

// writePs writes the original's table (cli 13).
func writePs(w io.Writer, list []container.Summary, quiet bool) error {
	tw := tabwriter.NewWriter(w, 0, 1, 2, ' ', 0)
	if quiet {
		fmt.Fprintln(tw, "Id")
		for _, c := range list {
			fmt.Fprintln(tw, c.ID)
		}
		return tw.Flush()
	}
	fmt.Fprintln(tw, strings.Join([]string{"Name", "Command", "State", "Ports"}, "\t"))
	for _, c := range list {
		ports := slices.Clone(c.Ports)
		fmt.Fprintln(tw, strings.Join([]string{nameOf(c), c.Command, c.Status, formatter.DisplayablePorts(ports)}, "\t"))
	}
	return tw.Flush()
}
