// Package container holds the client's commands for containers that are Hyper's own, and what Hyper adds to
// docker/cli's run and create. The others are docker/cli's as they are.
package container

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/human"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/moby/moby/api/types/container"
	dockerclient "github.com/moby/moby/client"
	"github.com/spf13/cobra"
)

type psOptions struct {
	all, latest, noTrunc, quiet, size bool
	last                              int
	format                            string
	filter                            listing.Filter
}

// Ps lists containers.
func Ps(s *session.Session) *cobra.Command {
	var o psOptions
	cmd := &cobra.Command{
		Use:   "ps [OPTIONS]",
		Short: "List containers",
		Args:  cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ps(cmd, s, &o)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&o.all, "all", "a", false, "Show all containers, not only running ones")
	f.VarP(&o.filter, "filter", "f", "Show only what matches: name=, label=, status=, ...")
	f.StringVar(&o.format, "format", "", listing.FormatHelp)
	f.BoolVarP(&o.latest, "latest", "l", false, "Show the newest container, in any state")
	f.IntVarP(&o.last, "last", "n", -1, "Show the newest N containers, in any state")
	f.BoolVar(&o.noTrunc, "no-trunc", false, "Show whole identifiers and commands")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "Show only identifiers")
	f.BoolVarP(&o.size, "size", "s", false, "Show sizes")
	return cmd
}

func ps(cmd *cobra.Command, s *session.Session, o *psOptions) error {
	if o.format == "" {
		o.format = s.Cli.ConfigFile().PsFormat
	}
	limit := o.last
	if o.latest && limit == -1 {
		limit = 1
	}
	size := o.size || (!o.quiet && strings.Contains(o.format, ".Size"))
	found, err := s.Docker().ContainerList(cmd.Context(), dockerclient.ContainerListOptions{
		All: o.all, Limit: limit, Size: size, Filters: o.filter.Values(),
	})
	if err != nil {
		return err
	}
	rows := make([]psRow, 0, len(found.Items))
	for _, c := range found.Items {
		rows = append(rows, psRowOf(c, size, o.noTrunc, time.Now()))
	}
	return listing.Write(s.Out(), psListing(o.size), o.format, o.quiet, rows)
}

func psListing(size bool) listing.Listing {
	l := listing.Listing{
		Default: "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}\t{{.PublicIP}}",
		Raw: "container_id: {{.ID}}\nimage: {{.Image}}\ncommand: {{.Command}}\ncreated_at: {{.CreatedAt}}\nstatus: {{.Status}}\n" +
			"names: {{.Names}}\nlabels: {{.Labels}}\nports: {{.Ports}}\npublic_ip: {{.PublicIP}}\n",
		Quiet: "{{.ID}}",
		Headers: map[string]string{
			"ID": "CONTAINER ID", "Image": "IMAGE", "Command": "COMMAND", "CreatedAt": "CREATED AT", "RunningFor": "CREATED",
			"Status": "STATUS", "Ports": "PORTS", "Names": "NAMES", "Size": "SIZE", "Labels": "LABELS", "PublicIP": "PUBLIC IP",
			"State": "STATE", "Mounts": "MOUNTS", "Networks": "NETWORKS",
		},
	}
	if size {
		l.Default += "\t{{.Size}}"
		l.Raw += "size: {{.Size}}\n"
	}
	return l
}

type psRow struct {
	ID, Image, Command, CreatedAt, RunningFor, State, Status, Ports, Names, PublicIP, Size, Labels, Mounts, Networks string

	labels map[string]string
}

// Label is the value of one label.
func (r psRow) Label(name string) string { return r.labels[name] }

// commandWidth is how much of a command the table shows.
const commandWidth = 20

func psRowOf(c container.Summary, size, noTrunc bool, now time.Time) psRow {
	created := time.Unix(c.Created, 0)
	r := psRow{
		ID:         c.ID,
		Image:      c.Image,
		Command:    c.Command,
		CreatedAt:  created.String(),
		RunningFor: human.Age(now.Sub(created)) + " ago",
		State:      string(c.State),
		Status:     c.Status,
		Ports:      publishedPorts(c.Ports),
		Names:      names(c.Names),
		PublicIP:   c.Labels[types.LabelFloatingIP],
		labels:     c.Labels,
	}
	if r.Image == "" {
		r.Image = "<no image>"
	}
	if !noTrunc {
		r.ID = human.ShortID(c.ID)
		r.Command = human.Truncate(c.Command, commandWidth)
	}
	r.Command = strconv.Quote(r.Command)
	if size {
		r.Size = human.Size(float64(c.SizeRw))
		if c.SizeRootFs > 0 {
			r.Size += " (virtual " + human.Size(float64(c.SizeRootFs)) + ")"
		}
	}
	var labels, mounts []string
	for _, k := range slices.Sorted(maps.Keys(c.Labels)) {
		labels = append(labels, k+"="+c.Labels[k])
	}
	for _, m := range c.Mounts {
		name := m.Name
		if name == "" {
			name = m.Source
		}
		mounts = append(mounts, name)
	}
	r.Labels, r.Mounts = strings.Join(labels, ","), strings.Join(mounts, ",")
	if c.NetworkSettings != nil {
		r.Networks = strings.Join(slices.Sorted(maps.Keys(c.NetworkSettings.Networks)), ",")
	}
	return r
}

// names drops the leading slashes, and the names under which other containers link to this one.
func names(all []string) string {
	var own []string
	for _, n := range all {
		if n = strings.TrimPrefix(n, "/"); !strings.Contains(n, "/") {
			own = append(own, n)
		}
	}
	return strings.Join(own, ",")
}
