package admin

import (
	"time"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

var listed = listing.Listing{
	Default: "{{.Name}}\t{{.ID}}\t{{.State}}\t{{.Created}}",
	Raw:     "name: {{.Name}}\nid: {{.ID}}\nstate: {{.State}}\ncreated: {{.Created}}\n",
	Quiet:   "{{.Name}}",
	Headers: map[string]string{"Name": "NAME", "ID": "ID", "State": "STATE", "Created": "CREATED"},
}

type row struct{ Name, ID, State, Created string }

func ls(s *session.Session) *cobra.Command {
	var format string
	var quiet bool
	cmd := &cobra.Command{
		Use:     "ls [OPTIONS]",
		Aliases: []string{"list"},
		Short:   "List accounts",
		Args:    cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := s.Hyper.AccountList(cmd.Context())
			if err != nil {
				return err
			}
			rows := make([]row, 0, len(list))
			for _, a := range list {
				rows = append(rows, row{a.Name, a.ID, a.State, a.Created.Local().Format(time.DateTime)})
			}
			return listing.Write(s.Out(), listed, format, quiet, rows)
		},
	}
	cmd.Flags().StringVar(&format, "format", "", listing.FormatHelp)
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "Show only names")
	return cmd
}
