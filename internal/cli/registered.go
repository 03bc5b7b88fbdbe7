package cli

import (
	_ "unsafe" // for go:linkname

	"github.com/docker/cli/cli/command"
	_ "github.com/docker/cli/cli/command/container" // each of these registers its commands
	_ "github.com/docker/cli/cli/command/image"
	_ "github.com/docker/cli/cli/command/network"
	_ "github.com/docker/cli/cli/command/registry"
	_ "github.com/docker/cli/cli/command/system"
	_ "github.com/docker/cli/cli/command/volume"
	"github.com/spf13/cobra"
)

// registered lists the constructors that the packages above have registered. The library's own way to them,
// commands.AddCommands, brings the commands of swarm and stacks along: that makes every start of hyper
// cost almost twice as much (docs/adr/0006).
//
//go:linkname registered github.com/docker/cli/internal/commands.Commands
func registered() []func(command.Cli) *cobra.Command
