// Package credential holds the client's commands for credentials: pairs of access key and secret that requests are
// signed with. A secret is shown once, when its credential is made.
package credential

import (
	"fmt"
	"io"
	"time"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

// Command is the group "hyper credential".
func Command(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "credential COMMAND",
		Short: "Manage access keys",
		Long:  "A credential is an access key and a secret. The secret is shown once, when the credential is created.",
	}
	cmd.AddCommand(create(s), ls(s), rm(s))
	return cmd
}

var once = listing.Listing{
	Raw:     "access key: {{.AccessKey}}\nsecret key: {{.SecretKey}}",
	Default: "{{.AccessKey}}\t{{.SecretKey}}",
	Headers: map[string]string{"AccessKey": "ACCESS KEY", "SecretKey": "SECRET KEY"},
}

type secretRow struct{ AccessKey, SecretKey string }

// Show shows a new credential on out, and on hint how to use it. With a format it is for a program, which needs no hint.
func Show(out, hint io.Writer, format, host string, c types.CredentialCreated) error {
	if format == "" {
		format = "raw"
		defer fmt.Fprintf(hint, "\nThe secret is not shown again. Where it is to be used, type\n  hyper config --accesskey %s %s\n", c.Access, host)
	}
	return listing.Write(out, once, format, false, []secretRow{{c.Access, c.Secret}})
}

func create(s *session.Session) *cobra.Command {
	var name, format string
	cmd := &cobra.Command{
		Use:   "create [OPTIONS]",
		Short: "Create a credential and show its secret, once",
		Args:  cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.Hyper.CredentialCreate(cmd.Context(), types.CredentialCreate{Name: name})
			if err != nil {
				return err
			}
			return Show(s.Out(), s.Err(), format, s.Remote(), c)
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "A word that tells what it is for")
	cmd.Flags().StringVar(&format, "format", "", listing.FormatHelp)
	return cmd
}

var listed = listing.Listing{
	Default: "{{.AccessKey}}\t{{.Name}}\t{{.Created}}",
	Raw:     "access_key: {{.AccessKey}}\nname: {{.Name}}\ncreated: {{.Created}}\n",
	Quiet:   "{{.AccessKey}}",
	Headers: map[string]string{"AccessKey": "ACCESS KEY", "Name": "NAME", "Created": "CREATED"},
}

type row struct{ AccessKey, Name, Created string }

func ls(s *session.Session) *cobra.Command {
	var format string
	var quiet bool
	cmd := &cobra.Command{
		Use:     "ls [OPTIONS]",
		Aliases: []string{"list"},
		Short:   "List credentials",
		Args:    cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := s.Hyper.CredentialList(cmd.Context())
			if err != nil {
				return err
			}
			rows := make([]row, 0, len(list))
			for _, c := range list {
				rows = append(rows, row{c.Access, c.Name, c.Created.Local().Format(time.DateTime)})
			}
			return listing.Write(s.Out(), listed, format, quiet, rows)
		},
	}
	cmd.Flags().StringVar(&format, "format", "", listing.FormatHelp)
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "Show only access keys")
	return cmd
}

func rm(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:   "rm ACCESSKEY [ACCESSKEY...]",
		Short: "Remove credentials: whoever uses them is let in no more",
		Args:  cli.RequiresMinArgs(1),
		RunE: func(cmd *cobra.Command, keys []string) error {
			return session.Each(cmd.Context(), keys, s.Hyper.CredentialRemove)
		},
	}
}
