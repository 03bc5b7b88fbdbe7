package snapshot

import (
	"encoding/json"
	"strconv"

	"github.com/docker/cli/cli"
	dockerinspect "github.com/docker/cli/cli/command/inspect"
	"github.com/spf13/cobra"

	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/session"
)

var snapshotListing = listing.Listing{
	Default: "{{.Name}}\t{{.Volume}}\t{{.Size}}",
	Raw:     "name: {{.Name}}\nvolume: {{.Volume}}\nsize: {{.Size}}\ncreated_at: {{.CreatedAt}}\n",
	Quiet:   "{{.Name}}",
	Headers: map[string]string{"Name": "Snapshot Name", "Volume": "Volume", "Size": "Size", "CreatedAt": "Created At", "ID": "ID", "Schedule": "Schedule"},
}

type row struct{ Name, Volume, Size, CreatedAt, ID, Schedule string }

func ls(s *session.Session) *cobra.Command {
	var (
		filter listing.Filter
		format string
		raw    bool
	)
	cmd := &cobra.Command{
		Use:     "ls [OPTIONS]",
		Aliases: []string{"list"},
		Short:   "List snapshots, newest first",
		Args:    cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := s.Hyper.SnapshotList(cmd.Context(), filter.Sets())
			if err != nil {
				return err
			}
			rows := make([]row, 0, len(found))
			for _, f := range found {
				rows = append(rows, row{f.Name, f.Volume, strconv.Itoa(f.Size), f.CreatedAt, f.ID, f.Schedule})
			}
			return listing.Write(s.Out(), snapshotListing, format, raw, rows)
		},
	}
	f := cmd.Flags()
	f.VarP(&filter, "filter", "f", "Show only what matches: volume=NAME, name=PART")
	f.StringVar(&format, "format", "", listing.FormatHelp)
	f.BoolVarP(&raw, "quiet", "q", false, "Show only names")
	return cmd
}

func inspect(s *session.Session) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "inspect [OPTIONS] SNAPSHOT [SNAPSHOT...]",
		Short: "Show all about snapshots, as JSON",
		Args:  cli.RequiresMinArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			// What comes before the first missing one is shown, what comes after is not asked for.
			found := map[string]types.Snapshot{}
			var failed error
			for i, name := range names {
				one, err := s.Hyper.SnapshotInspect(cmd.Context(), name)
				if err != nil {
					names, failed = names[:i], notFound(err, name)
					break
				}
				found[name] = one
			}
			if err := dockerinspect.Inspect(s.Out(), names, format, func(name string) (any, []byte, error) {
				one := found[name]
				shown := struct {
					ID, Name, Volume    string
					Size                int
					CreatedAt, Schedule string `json:",omitempty"`
				}{one.ID, one.Name, one.Volume, one.Size, one.CreatedAt, one.Schedule}
				raw, err := json.Marshal(shown)
				return shown, raw, err
			}); err != nil {
				return err
			}
			return failed
		},
	}
	cmd.Flags().StringVarP(&format, "format", "f", "", "Go template for the output")
	return cmd
}
