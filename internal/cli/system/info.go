package system

import (
	"fmt"
	"io"
	"strings"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/templates"
	"github.com/hypercloud/hyper/internal/cli/human"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/moby/moby/api/types/system"
	dockerclient "github.com/moby/moby/client"
	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
)

// Info shows the account's counts and facts about the server.
func Info(s *session.Session) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "info [OPTIONS]",
		Short: "Show counts of the account and facts about the server",
		Args:  cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := s.Docker().Info(cmd.Context(), dockerclient.InfoOptions{})
			if err != nil {
				return err
			}
			if format == "" {
				showInfo(s.Out(), found.Info)
				for _, w := range found.Info.Warnings {
					fmt.Fprintln(s.Err(), w)
				}
				return nil
			}
			if format == "json" {
				format = "{{json .}}"
			}
			tmpl, err := templates.Parse(format)
			if err != nil {
				return fmt.Errorf("template parsing error: %w", err)
			}
			if err := tmpl.Execute(s.Out(), found.Info); err != nil {
				return fmt.Errorf("template parsing error: %w", err)
			}
			fmt.Fprintln(s.Out())
			return nil
		},
	}
	cmd.Flags().StringVarP(&format, "format", "f", "", "Go template for the output")
	return cmd
}

func showInfo(w io.Writer, i system.Info) {
	fmt.Fprintf(w, "Containers: %d\n Running: %d\n Paused: %d\n Stopped: %d\nImages: %d\n",
		i.Containers, i.ContainersRunning, i.ContainersPaused, i.ContainersStopped, i.Images)
	line := func(title, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s: %s\n", title, value)
		}
	}
	line("Server Version", i.ServerVersion)
	line("Storage Driver", i.Driver)
	for _, pair := range i.DriverStatus {
		line(" "+pair[0], pair[1])
	}
	line("Execution Driver", i.DefaultRuntime)
	fmt.Fprintln(w, "Plugins: ")
	line(" Volume", strings.Join(i.Plugins.Volume, " "))
	line(" Network", strings.Join(i.Plugins.Network, " "))
	line("Kernel Version", i.KernelVersion)
	line("Operating System", i.OperatingSystem)
	line("OSType", i.OSType)
	line("Architecture", i.Architecture)
	fmt.Fprintf(w, "CPUs: %d\nTotal Memory: %s\n", i.NCPU, human.Size(float64(i.MemTotal)))
	line("Name", i.Name)
	line("ID", i.ID)
	fmt.Fprintf(w, "Debug mode (client): %v\nDebug mode (server): %v\n", logrus.IsLevelEnabled(logrus.DebugLevel), i.Debug)
}
