package container

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/moby/moby/api/types/network"
	dockerclient "github.com/moby/moby/client"
	"github.com/spf13/cobra"
)

// Port shows under which public ports a container's ports are published.
func Port(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:   "port CONTAINER [PRIVATE_PORT[/PROTO]]",
		Short: "List a container's published ports",
		Args:  cli.RequiresRangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			found, err := s.Docker().ContainerInspect(cmd.Context(), args[0], dockerclient.ContainerInspectOptions{})
			if err != nil {
				return err
			}
			var published network.PortMap
			if found.Container.NetworkSettings != nil {
				published = found.Container.NetworkSettings.Ports
			}
			if len(args) == 1 {
				for _, m := range mappings(published) {
					fmt.Fprintf(s.Out(), "%s -> %s\n", m.private, m.public)
				}
				return nil
			}
			wanted, err := network.ParsePort(args[1])
			if err != nil {
				return fmt.Errorf("Error: Invalid port: %s", args[1])
			}
			shown := false
			for _, m := range mappings(published) {
				if m.private == wanted {
					fmt.Fprintln(s.Out(), m.public)
					shown = true
				}
			}
			if !shown {
				return fmt.Errorf("Error: No public port '%s' published for %s", wanted, args[0])
			}
			return nil
		},
	}
}

type mapping struct {
	private network.Port
	public  string

	number int
}

// mappings are the published ports, by private port and then by public one.
func mappings(published network.PortMap) []mapping {
	var all []mapping
	for private, bindings := range published {
		for _, b := range bindings {
			ip := "0.0.0.0"
			if b.HostIP.IsValid() {
				ip = b.HostIP.String()
			}
			number, _ := strconv.Atoi(b.HostPort)
			all = append(all, mapping{private: private, public: net.JoinHostPort(ip, b.HostPort), number: number})
		}
	}
	slices.SortFunc(all, func(a, b mapping) int {
		return cmp.Or(cmp.Compare(a.private.Num(), b.private.Num()), cmp.Compare(a.private.Proto(), b.private.Proto()),
			cmp.Compare(a.number, b.number), cmp.Compare(a.public, b.public))
	})
	return slices.CompactFunc(all, func(a, b mapping) bool { return a == b })
}
