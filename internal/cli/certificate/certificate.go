// Package certificate holds the client's commands for client certificates. They are made by "docker-env --cert", which
// puts them where they are needed; here they are listed and revoked.
package certificate

import (
	"time"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

// Command is the group "hyper certificate".
func Command(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{Use: "certificate COMMAND", Short: "Manage client certificates"}
	cmd.AddCommand(ls(s), rm(s))
	return cmd
}

var listed = listing.Listing{
	Default: "{{.Serial}}\t{{.Name}}\t{{.Created}}\t{{.Expires}}",
	Raw:     "serial: {{.Serial}}\nname: {{.Name}}\ncreated: {{.Created}}\nexpires: {{.Expires}}\n",
	Quiet:   "{{.Serial}}",
	Headers: map[string]string{"Serial": "SERIAL", "Name": "NAME", "Created": "CREATED", "Expires": "EXPIRES"},
}

type row struct{ Serial, Name, Created, Expires string }

func ls(s *session.Session) *cobra.Command {
	var format string
	var quiet bool
	cmd := &cobra.Command{
		Use:     "ls [OPTIONS]",
		Aliases: []string{"list"},
		Short:   "List certificates that are not revoked",
		Args:    cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := s.Hyper.CertificateList(cmd.Context())
			if err != nil {
				return err
			}
			rows := make([]row, 0, len(list))
			for _, c := range list {
				rows = append(rows, row{c.Serial, c.Name, c.Created.Local().Format(time.DateTime), c.Expires.Local().Format(time.DateTime)})
			}
			return listing.Write(s.Out(), listed, format, quiet, rows)
		},
	}
	cmd.Flags().StringVar(&format, "format", "", listing.FormatHelp)
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "Show only serials")
	return cmd
}

func rm(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:     "rm SERIAL [SERIAL...]",
		Aliases: []string{"revoke"},
		Short:   "Revoke certificates",
		Args:    cli.RequiresMinArgs(1),
		RunE: func(cmd *cobra.Command, serials []string) error {
			return session.Each(cmd.Context(), serials, s.Hyper.CertificateRevoke)
		},
	}
}
