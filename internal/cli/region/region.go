// Package region holds the command that lists the servers that the client knows: what "hyper config" has kept.
package region

import (
	"maps"
	"slices"
	"strings"

	"github.com/docker/cli/cli"
	"github.com/spf13/cobra"

	"github.com/hypercloud/hyper/internal/cli/clouds"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/session"
)

// Command is the group "hyper region".
func Command(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "region COMMAND",
		Short: "Show the servers that hyper knows",
		Long:  "'hyper config' keeps the keys of an account at a server; 'hyper --region' chooses one by name or address.",
	}
	cmd.AddCommand(ls(s))
	return cmd
}

var listed = listing.Listing{
	Default: "{{.Region}}\t{{.Names}}\t{{.Endpoint}}\t{{.Default}}",
	Raw:     "region: {{.Region}}\nnames: {{.Names}}\nendpoint: {{.Endpoint}}\naccess_key: {{.AccessKey}}\ndefault: {{.Default}}\n",
	Quiet:   "{{.Endpoint}}",
	Headers: map[string]string{"Region": "REGION", "Names": "NAMES", "Endpoint": "ENDPOINT", "AccessKey": "ACCESS KEY", "Default": "DEFAULT"},
}

type row struct{ Region, Names, Endpoint, AccessKey, Default string }

func ls(s *session.Session) *cobra.Command {
	var format string
	var quiet bool
	cmd := &cobra.Command{
		Use:     "ls [OPTIONS]",
		Aliases: []string{"list"},
		Short:   "List the servers that hyper config has kept keys of",
		Args:    cli.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			file, err := clouds.Load(s.Config.Directory)
			if err != nil {
				return err
			}
			rows := make([]row, 0, len(file.Clouds))
			for _, address := range slices.Sorted(maps.Keys(file.Clouds)) {
				e := file.Clouds[address]
				r := row{Region: e.Region, Names: strings.Join(e.Names, ","), Endpoint: address, AccessKey: e.AccessKey}
				if address == file.Default() {
					r.Default = "yes"
				}
				rows = append(rows, r)
			}
			return listing.Write(s.Out(), listed, format, quiet, rows)
		},
	}
	cmd.Flags().StringVar(&format, "format", "", listing.FormatHelp)
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "Show only addresses")
	return cmd
}
