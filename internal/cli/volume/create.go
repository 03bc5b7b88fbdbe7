package volume

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

// driver is the only one there is.
const driver = "hyper"

type createOptions struct {
	name   string
	size   int
	labels []string
	from   string
}

func create(s *session.Session) *cobra.Command {
	var o createOptions
	cmd := &cobra.Command{
		Use:   "create [OPTIONS] [VOLUME]",
		Short: "Create a volume",
		Args:  cli.RequiresMaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				if o.name != "" && o.name != args[0] {
					return errors.New("Conflicting options: --name and a name as argument")
				}
				o.name = args[0]
			}
			opts := map[string]string{"size": strconv.Itoa(o.size)}
			if o.from != "" {
				// It has the snapshot's size; one that is asked for as well is the server's to judge.
				opts["snapshot"] = o.from
				if !cmd.Flags().Changed("size") {
					opts["size"] = ""
				}
			}
			created, err := s.Hyper.VolumeCreate(cmd.Context(), types.VolumeCreate{
				Name: o.name, Driver: driver, Labels: labelsOf(o.labels),
				DriverOpts: opts,
			})
			if err != nil {
				return err
			}
			fmt.Fprintln(s.Out(), created)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.labels, "label", nil, "Set a label, KEY=VALUE")
	f.StringVar(&o.name, "name", "", "Name of the volume; one is made up when there is none")
	f.StringVar(&o.from, "snapshot", "", "Name or id of a snapshot that the volume begins as, with its size")
	f.IntVar(&o.size, "size", 10, "Size in GB: 10, 20, 30, 40 or 50")
	return cmd
}

func labelsOf(given []string) map[string]string {
	if len(given) == 0 {
		return nil
	}
	labels := map[string]string{}
	for _, l := range given {
		k, v, _ := strings.Cut(l, "=")
		labels[k] = v
	}
	return labels
}
