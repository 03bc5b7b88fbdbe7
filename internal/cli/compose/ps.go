package compose

import (
	"fmt"
	"io"
	"slices"

	"github.com/docker/cli/cli/command/formatter"
	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/api/types/container"
	"github.com/spf13/cobra"
)

// psRow is a container as ps shows it to people and to programs.
type psRow struct {
	ID, Name, Service, Image, Command, State, Status, Ports, PublicIP string
}

func (p *project) ps() *cobra.Command {
	var quiet, services bool
	cmd := &cobra.Command{
		Use:   "ps [OPTIONS] [SERVICE...]",
		Short: "List the project's containers",
	}
	f := cmd.Flags()
	f.BoolVarP(&quiet, "quiet", "q", false, "Show ids only")
	f.BoolVar(&services, "services", false, "Show the services' names only")
	f.BoolP("all", "a", true, "Show stopped ones too, as always")
	_ = f.MarkHidden("all")
	format := formatFlag(f)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
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
		return writePs(p.session.Out(), chosen, quiet, *format)
	}
	return p.common(cmd)
}

// writePs writes the original's table (cli 13).
func writePs(w io.Writer, list []container.Summary, quiet bool, format string) error {
	var rows []psRow
	for _, c := range list {
		rows = append(rows, psRow{
			ID: c.ID, Name: nameOf(c), Service: c.Labels[api.ServiceLabel], Image: c.Image, Command: c.Command, State: string(c.State), Status: c.Status,
			Ports: formatter.DisplayablePorts(slices.Clone(c.Ports)), PublicIP: c.Labels[labelAddress],
		})
	}
	if quiet {
		return write(w, "", rows, []string{"Id"}, func(r psRow) []string { return []string{r.ID} })
	}
	return write(w, format, rows, []string{"Name", "Command", "State", "Ports"}, func(r psRow) []string {
		return []string{r.Name, r.Command, r.Status, r.Ports}
	})
}
