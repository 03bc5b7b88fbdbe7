package compose

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/docker/compose/v5/pkg/api"
	"github.com/spf13/cobra"
)

func (p *project) scale() *cobra.Command {
	var m making
	cmd := &cobra.Command{
		Use:   "scale [OPTIONS] SERVICE=N...",
		Short: "Say how many containers services have",
		Long:  "Makes as many containers of services as are asked for: adds with the next numbers, or stops and removes the highest. Of a service with a floating IP the first one has it.",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			m.timeoutIsSaid = cmd.Flags().Changed("timeout")
			counts, names, err := counts(args)
			if err != nil {
				return err
			}
			whole, err := p.load(cmd.Context())
			if err != nil {
				return err
			}
			for _, name := range names {
				if _, ok := whole.Services[name]; !ok {
					return fmt.Errorf("%s is not defined in the template", name)
				}
			}
			m.noDeps, m.scale = true, args
			to, err := p.prepare(cmd.Context(), &m, names)
			if err != nil {
				return err
			}
			for _, name := range names {
				if len(to.Services[name].Ports) > 0 && counts[name] > 1 {
					fmt.Fprintf(p.session.Err(), "WARNING: service %s publishes ports: they answer on a container's floating IP, which the first one alone has\n", name)
				}
			}
			to.status.begin(starting)
			o := api.UpOptions{Create: m.options(names), Start: api.StartOptions{Project: to.Project, Services: names}}
			o.Create.Recreate, o.Create.RecreateDependencies = api.RecreateNever, api.RecreateNever
			if err := to.backend.Up(cmd.Context(), to.Project, o); err != nil {
				return err
			}
			to.status.end()
			return nil
		},
	}
	cmd.Flags().IntVarP(&m.timeout, "timeout", "t", 10, "Seconds before a container that does not stop is killed")
	cmd.Flags().BoolVarP(&m.yes, "yes", "y", false, "Allocate floating IPs without asking")
	return p.common(cmd)
}

func counts(args []string) (map[string]int, []string, error) {
	out := map[string]int{}
	var names []string
	for _, arg := range args {
		name, text, ok := strings.Cut(arg, "=")
		n, err := strconv.Atoi(text)
		if !ok || err != nil || n < 0 {
			return nil, nil, fmt.Errorf("%q is not SERVICE=N", arg)
		}
		out[name] = n
		names = append(names, name)
	}
	return out, names, nil
}
