package compose

import (
	"github.com/docker/compose/v5/pkg/api"
	"github.com/spf13/cobra"
)

func (p *project) logs() *cobra.Command {
	var o api.LogOptions
	var noColour, noPrefix bool
	cmd := &cobra.Command{
		Use:   "logs [OPTIONS] [SERVICE...]",
		Short: "Show the containers' logs",
		RunE: func(cmd *cobra.Command, services []string) error {
			l, err := p.living(cmd.Context(), services)
			if err != nil {
				return err
			}
			out := newLines(p.session.Out(), p.session.Err(), p.session.Cli.Out().IsTerminal() && !noColour)
			out.plain = noPrefix
			for _, c := range l.containers {
				out.expect(shortName(l.name, c))
			}
			o.Services = services
			return l.backend.Logs(cmd.Context(), l.name, out, o)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&o.Follow, "follow", "f", false, "Follow them")
	f.StringVarP(&o.Tail, "tail", "n", "all", "Last lines to show of each")
	f.StringVar(&o.Since, "since", "", "Lines since then: a time, or so long ago (10m)")
	f.StringVar(&o.Until, "until", "", "Lines until then")
	f.BoolVarP(&o.Timestamps, "timestamps", "t", false, "Show times")
	f.IntVar(&o.Index, "index", 0, "Number of the container, of a service that has several")
	f.BoolVar(&noColour, "no-color", false, "Write names without colours")
	f.BoolVar(&noPrefix, "no-log-prefix", false, "Write lines without names")
	return p.long(cmd, "", "p")
}
