package volume

import (
	"cmp"
	"slices"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/internal/cli/human"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/moby/moby/api/types/volume"
	dockerclient "github.com/moby/moby/client"
	"github.com/spf13/cobra"
)

// Labels in which the server tells what Docker's volume has no field for.
const (
	labelContainer = "container"
	labelSize      = "size"
)

var volumeListing = listing.Listing{
	Default: "{{.Driver}}\t{{.Name}}\t{{.Size}}\t{{.Container}}",
	Raw:     "name: {{.Name}}\ndriver: {{.Driver}}\nsize: {{.Size}}\ncontainer: {{.Container}}\n",
	Quiet:   "{{.Name}}",
	Headers: map[string]string{"Driver": "DRIVER", "Name": "VOLUME NAME", "Size": "SIZE", "Used": "USED", "Container": "CONTAINER"},
}

// withUsage is the layout with what the volumes take on the server's disk.
const withUsage = "table {{.Driver}}\t{{.Name}}\t{{.Size}}\t{{.Used}}\t{{.Container}}"

type row struct{ Name, Driver, Size, Used, Container string }

func ls(s *session.Session) *cobra.Command {
	var (
		filter listing.Filter
		format string
		quiet  bool
		usage  bool
	)
	cmd := &cobra.Command{
		Use:     "ls [OPTIONS]",
		Aliases: []string{"list"},
		Short:   "List volumes",
		Args:    cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format == "" {
				format = s.Cli.ConfigFile().VolumesFormat
			}
			found, err := s.Docker().VolumeList(cmd.Context(), dockerclient.VolumeListOptions{Filters: filter.Values()})
			if err != nil {
				return err
			}
			var used map[string]int64
			if usage {
				if used, err = s.Hyper.VolumeUsage(cmd.Context()); err != nil {
					return err
				}
				if format == "" {
					format = withUsage
				}
			}
			rows := make([]row, 0, len(found.Items))
			for _, v := range found.Items {
				r := rowOf(v)
				if bytes, ok := used[v.Name]; ok {
					r.Used = human.Size(float64(bytes))
				}
				rows = append(rows, r)
			}
			slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.Name, b.Name) })
			return listing.Write(s.Out(), volumeListing, format, quiet, rows)
		},
	}
	f := cmd.Flags()
	f.VarP(&filter, "filter", "f", "Show only what matches: dangling=true, ...")
	f.StringVar(&format, "format", "", listing.FormatHelp)
	f.BoolVarP(&usage, "usage", "u", false, "Show what they take on the server's disk, too, with what they share with snapshots")
	f.BoolVarP(&quiet, "quiet", "q", false, "Show only names")
	return cmd
}

func rowOf(v volume.Volume) row {
	r := row{Name: v.Name, Driver: v.Driver, Container: human.Truncate(v.Labels[labelContainer], 12)}
	if size := v.Labels[labelSize]; size != "" {
		r.Size = size + " GB"
	}
	return r
}
