package volume

import (
	"encoding/json"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/docker/cli/cli"
	dockerinspect "github.com/docker/cli/cli/command/inspect"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/moby/moby/api/types/volume"
	dockerclient "github.com/moby/moby/client"
	"github.com/spf13/cobra"
)

// details has the fields of a volume in the order in which they are shown (cli 7.3).
type details struct {
	Name, Driver, Mountpoint string
	Labels                   map[string]string
	Scope, CreatedAt         string
	Status                   map[string]any `json:",omitempty"`
}

func inspect(s *session.Session) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "inspect [OPTIONS] VOLUME [VOLUME...]",
		Short: "Show all about volumes, as JSON",
		Args:  cli.RequiresMinArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			// What comes before the first missing one is shown, what comes after is not asked for.
			found := map[string]volume.Volume{}
			var failed error
			for i, name := range names {
				r, err := s.Docker().VolumeInspect(cmd.Context(), name, dockerclient.VolumeInspectOptions{})
				if dockerclient.IsErrConnectionFailed(err) {
					return err
				}
				if errdefs.IsNotFound(err) {
					err = fmt.Errorf("Error: No such volume: %s", name)
				}
				if err != nil {
					names, failed = names[:i], err
					break
				}
				found[name] = r.Volume
			}
			if err := dockerinspect.Inspect(s.Out(), names, format, func(name string) (any, []byte, error) {
				v := found[name]
				d := details{v.Name, v.Driver, v.Mountpoint, v.Labels, v.Scope, v.CreatedAt, v.Status}
				raw, err := json.Marshal(d)
				return d, raw, err
			}); err != nil {
				return err
			}
			return failed
		},
	}
	cmd.Flags().StringVarP(&format, "format", "f", "", "Go template for the output")
	return cmd
}
