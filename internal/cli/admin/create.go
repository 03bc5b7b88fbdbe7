package admin

import (
	"fmt"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/credential"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/quota"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

var created = listing.Listing{
	Default: "{{.Name}}\t{{.ID}}\t{{.AccessKey}}\t{{.SecretKey}}",
	Headers: map[string]string{"Name": "NAME", "ID": "ID", "AccessKey": "ACCESS KEY", "SecretKey": "SECRET KEY"},
}

type createdRow struct{ Name, ID, AccessKey, SecretKey string }

func create(s *session.Session) *cobra.Command {
	var limits quota.Limits
	var format string
	cmd := &cobra.Command{
		Use:   "create [OPTIONS] NAME",
		Short: "Create an account with a first credential",
		Args:  cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := s.Hyper.AccountCreate(cmd.Context(), types.AccountCreate{Name: args[0], Quotas: limits})
			if err != nil {
				return err
			}
			if format != "" {
				return listing.Write(s.Out(), created, format, false, []createdRow{{a.Name, a.ID, a.Credential.Access, a.Credential.Secret}})
			}
			fmt.Fprintf(s.Out(), "name: %s\nid: %s\n", a.Name, a.ID)
			return credential.Show(s.Out(), s.Err(), "", s.Remote(), a.Credential)
		},
	}
	cmd.Flags().Var(&limits, "quota", "What it may have that differs from other accounts, "+quota.Help)
	cmd.Flags().StringVar(&format, "format", "", listing.FormatHelp)
	return cmd
}
