// Package token holds the client's commands for tokens: texts that let programs in which cannot sign their requests. A token
// is shown once, when it is made.
package token

import (
	"fmt"
	"time"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

// Command is the group "hyper token".
func Command(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token COMMAND",
		Short: "Manage tokens for programs that cannot sign",
		Long:  "A token goes into a request as 'Authorization: Bearer TOKEN'. It is shown once, when it is created.",
	}
	cmd.AddCommand(create(s), ls(s), rm(s))
	return cmd
}

func create(s *session.Session) *cobra.Command {
	var name string
	var expires time.Duration
	cmd := &cobra.Command{
		Use:   "create [OPTIONS]",
		Short: "Create a token and show it, once",
		Args:  cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if expires < 0 || expires > 0 && expires < time.Second {
				return fmt.Errorf("a token cannot expire after %s: give a second or more, or nothing for one that never does", expires)
			}
			t, err := s.Hyper.TokenCreate(cmd.Context(), types.TokenCreate{Name: name, Lifetime: int64(expires / time.Second)})
			if err != nil {
				return err
			}
			fmt.Fprintln(s.Out(), t.Text)
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "Name of the token; one is made up when there is none")
	cmd.Flags().DurationVar(&expires, "expires", 0, "Time until it is worthless, such as 720h; never without")
	return cmd
}

var listed = listing.Listing{
	Default: "{{.Name}}\t{{.Created}}\t{{.Expires}}",
	Raw:     "name: {{.Name}}\ncreated: {{.Created}}\nexpires: {{.Expires}}\n",
	Quiet:   "{{.Name}}",
	Headers: map[string]string{"Name": "NAME", "Created": "CREATED", "Expires": "EXPIRES"},
}

type row struct{ Name, Created, Expires string }

func ls(s *session.Session) *cobra.Command {
	var format string
	var quiet bool
	cmd := &cobra.Command{
		Use:     "ls [OPTIONS]",
		Aliases: []string{"list"},
		Short:   "List tokens",
		Args:    cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := s.Hyper.TokenList(cmd.Context())
			if err != nil {
				return err
			}
			rows := make([]row, 0, len(list))
			for _, t := range list {
				end := "never"
				if !t.Expires.IsZero() {
					end = t.Expires.Local().Format(time.DateTime)
				}
				rows = append(rows, row{t.Name, t.Created.Local().Format(time.DateTime), end})
			}
			return listing.Write(s.Out(), listed, format, quiet, rows)
		},
	}
	cmd.Flags().StringVar(&format, "format", "", listing.FormatHelp)
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "Show only names")
	return cmd
}

func rm(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:     "rm TOKEN [TOKEN...]",
		Aliases: []string{"revoke"},
		Short:   "Revoke tokens, by name",
		Args:    cli.RequiresMinArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return session.Each(cmd.Context(), names, s.Hyper.TokenRevoke)
		},
	}
}
