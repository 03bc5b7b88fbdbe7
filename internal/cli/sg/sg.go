// Package sg holds the client's commands for security groups: lists of what is allowed to the containers that carry them.
// Files are sent as they are; the server reads them.
package sg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/docker/cli/cli"
	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/session"
)

// Command is the group "hyper sg".
func Command(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sg COMMAND",
		Short: "Manage security groups",
		Long: "A security group is a list of what is allowed to the containers that carry it. A container without groups may do and be done everything;\n" +
			"one with groups what any of their rules allow. 'hyper run --sg' and 'hyper update --sg-add' and '--sg-rm' say what a container carries.",
	}
	cmd.AddCommand(create(s), inspect(s), ls(s), rm(s), update(s))
	return cmd
}

func create(s *session.Session) *cobra.Command {
	return fromFile("create", "Make a security group of a YAML file", s, func(ctx context.Context, name string, file io.Reader) error {
		return s.Hyper.SecurityGroupCreate(ctx, name, file)
	})
}

func update(s *session.Session) *cobra.Command {
	return fromFile("update", "Replace the rules of a security group, for all that carry it, at once", s, func(ctx context.Context, name string, file io.Reader) error {
		return s.Hyper.SecurityGroupUpdate(ctx, name, file)
	})
}

// fromFile is a command that sends a file.
func fromFile(verb, short string, s *session.Session, send func(ctx context.Context, name string, file io.Reader) error) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   verb + " --file FILE NAME",
		Short: short,
		Args:  cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch path {
			case "":
				return errors.New("name the YAML file with the rules by --file; - is the standard input")
			case "-":
				return send(cmd.Context(), args[0], s.Cli.In())
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			return send(cmd.Context(), args[0], f)
		},
	}
	cmd.Flags().StringVarP(&path, "file", "f", "", "YAML file with the rules")
	return cmd
}

var groupListing = listing.Listing{
	Default: "{{.Name}}\t{{.Description}}",
	Raw:     "name: {{.Name}}\ndescription: {{.Description}}\n",
	Quiet:   "{{.Name}}",
	Headers: map[string]string{"Name": "Name", "Description": "Description"},
}

type row struct{ Name, Description string }

func ls(s *session.Session) *cobra.Command {
	var (
		format string
		quiet  bool
	)
	cmd := &cobra.Command{
		Use:     "ls [OPTIONS]",
		Aliases: []string{"list"},
		Short:   "List security groups",
		Args:    cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := s.Hyper.SecurityGroupList(cmd.Context())
			if err != nil {
				return err
			}
			rows := make([]row, 0, len(found))
			for _, g := range found {
				rows = append(rows, row{g.Name, g.Description})
			}
			return listing.Write(s.Out(), groupListing, format, quiet, rows)
		},
	}
	f := cmd.Flags()
	f.StringVar(&format, "format", "", listing.FormatHelp)
	f.BoolVarP(&quiet, "quiet", "q", false, "Show only names")
	return cmd
}

func inspect(s *session.Session) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "inspect [OPTIONS] NAME",
		Short: "Show a security group, as JSON or as a file for 'hyper sg update'",
		Args:  cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if output != "json" && output != "yaml" {
				return fmt.Errorf("%q is not an output format: choose json or yaml", output)
			}
			g, err := s.Hyper.SecurityGroupInspect(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if output == "yaml" {
				text, err := yaml.Marshal(g)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(s.Out(), string(text)) // with a line at the end that is empty, as ever
				return err
			}
			enc := json.NewEncoder(s.Out())
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "\t")
			return enc.Encode(g)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "json", "Output format: json or yaml")
	return cmd
}

func rm(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:     "rm NAME",
		Aliases: []string{"remove"},
		Short:   "Remove a security group that no container carries",
		Args:    cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.Hyper.SecurityGroupRemove(cmd.Context(), args[0])
		},
	}
}
