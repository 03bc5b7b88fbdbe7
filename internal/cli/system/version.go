// Package system holds the client's commands about the two programs themselves.
package system

import (
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/templates"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/hypercloud/hyper/internal/version"
	dockerclient "github.com/moby/moby/client"
	"github.com/spf13/cobra"
)

// versions is what a template of version -f sees.
type versions struct {
	Client build
	Server *build // nil when no server answered
}

type build struct {
	Version, APIVersion, GoVersion, GitCommit, BuildTime, Os, Arch string
}

// ServerOK says whether the server answered.
func (v versions) ServerOK() bool { return v.Server != nil }

// Version shows which builds client and server are.
func Version(s *session.Session) *cobra.Command {
	var format string
	var clientOnly bool
	cmd := &cobra.Command{
		Use:   "version [OPTIONS]",
		Short: "Show the versions of client and server",
		Args:  cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var v versions
			var serverErr error
			if clientOnly {
				v.Client = client(dockerclient.MaxAPIVersion)
			} else {
				v, serverErr = collect(cmd, s)
			}
			if format == "json" {
				format = "{{json .}}"
			}
			if format != "" {
				tmpl, err := templates.Parse(format)
				if err != nil {
					return fmt.Errorf("template parsing error: %w", err)
				}
				if err := tmpl.Execute(s.Out(), v); err != nil {
					return fmt.Errorf("template parsing error: %w", err)
				}
				fmt.Fprintln(s.Out())
				return serverErr
			}
			showBuild(s.Out(), "Client:", v.Client)
			if v.ServerOK() {
				fmt.Fprintln(s.Out())
				showBuild(s.Out(), "Server:", *v.Server)
			}
			return serverErr
		},
	}
	cmd.Flags().BoolVar(&clientOnly, "client", false, "Show only the client's, and ask no server")
	cmd.Flags().StringVarP(&format, "format", "f", "", "Go template for the output")
	return cmd
}

// client is this program's build.
func client(api string) build {
	return build{
		Version: version.Version, APIVersion: api, GoVersion: runtime.Version(), GitCommit: version.Commit,
		BuildTime: version.BuildTime, Os: runtime.GOOS, Arch: runtime.GOARCH,
	}
}

func collect(cmd *cobra.Command, s *session.Session) (versions, error) {
	docker := s.Docker() // Agrees on the API version.
	v := versions{Client: client(docker.ClientVersion())}
	server, err := docker.ServerVersion(cmd.Context(), dockerclient.ServerVersionOptions{})
	if err != nil {
		return v, err
	}
	b := build{Version: server.Version, APIVersion: server.APIVersion, Os: server.Os, Arch: server.Arch}
	for _, c := range server.Components {
		if c.Details["GoVersion"] == "" && c.Details["GitCommit"] == "" {
			continue
		}
		b.GoVersion, b.GitCommit, b.BuildTime = c.Details["GoVersion"], c.Details["GitCommit"], c.Details["BuildTime"]
		break
	}
	v.Server = &b
	return v, nil
}

func showBuild(w io.Writer, title string, b build) {
	fmt.Fprintln(w, title)
	tw := tabwriter.NewWriter(w, 0, 1, 2, ' ', 0)
	for _, line := range [][2]string{
		{"Version", b.Version}, {"API version", b.APIVersion}, {"Go version", b.GoVersion}, {"Git commit", b.GitCommit},
		{"Built", b.BuildTime}, {"OS/Arch", b.Os + "/" + b.Arch},
	} {
		if line[1] != "" {
			fmt.Fprintf(tw, " %s:\t%s\n", line[0], line[1])
		}
	}
	tw.Flush()
}
