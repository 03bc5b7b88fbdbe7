package compose

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/docker/cli/cli/command/container"
	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/client"
	"github.com/spf13/cobra"

	"github.com/hypercloud/hyper/internal/cli/human"
	"github.com/hypercloud/hyper/internal/version"
)

func (p *project) ls() *cobra.Command {
	var quiet, all bool
	cmd := &cobra.Command{
		Use:   "ls [OPTIONS]",
		Short: "List projects",
		Args:  cobra.NoArgs,
	}
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "Show names only")
	cmd.Flags().BoolVarP(&all, "all", "a", false, "Show those of which nothing runs, too")
	format := formatFlag(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		b, err := p.backend(p.engine(), nothing{})
		if err != nil {
			return err
		}
		projects, err := b.List(cmd.Context(), api.ListOptions{All: all})
		if err != nil {
			return err
		}
		if quiet {
			return write(p.session.Out(), "", projects, nil, func(s api.Stack) []string { return []string{s.Name} })
		}
		return write(p.session.Out(), *format, projects, []string{"Name", "State", "Files"}, func(s api.Stack) []string {
			return []string{s.Name, s.Status, s.ConfigFiles}
		})
	}
	return cmd
}

func (p *project) top() *cobra.Command {
	return p.common(&cobra.Command{
		Use:   "top [OPTIONS] [SERVICE...]",
		Short: "Show the processes of containers",
		RunE: func(cmd *cobra.Command, services []string) error {
			l, err := p.living(cmd.Context(), services)
			if err != nil {
				return err
			}
			all, err := l.backend.Top(cmd.Context(), l.name, services)
			if err != nil {
				return err
			}
			slices.SortFunc(all, func(a, b api.ContainerProcSummary) int { return strings.Compare(a.Name, b.Name) })
			tw := tabwriter.NewWriter(p.session.Out(), 0, 1, 2, ' ', 0)
			header := ""
			for _, c := range all {
				if titles := strings.Join(c.Titles, "\t"); titles != header {
					header = titles
					fmt.Fprintln(tw, "Name\t"+titles)
				}
				for _, process := range c.Processes {
					fmt.Fprintln(tw, c.Name+"\t"+strings.Join(process, "\t"))
				}
			}
			return tw.Flush()
		},
	})
}

func (p *project) stats() *cobra.Command {
	var o container.StatsOptions
	cmd := &cobra.Command{
		Use:   "stats [OPTIONS] [SERVICE]",
		Short: "Show how much the containers use",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, services []string) error {
			l, err := p.living(cmd.Context(), services)
			if err != nil {
				return err
			}
			o.Filters = make(client.Filters).Add("label", api.ProjectLabel+"="+l.name)
			for _, s := range services {
				o.Filters.Add("label", api.ServiceLabel+"="+s)
			}
			return container.RunStats(cmd.Context(), connected{p.session.Cli, l.engine}, &o)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&o.All, "all", "a", false, "Show those that do not run, too")
	f.StringVar(&o.Format, "format", "", "Go template for the output, or json")
	f.BoolVar(&o.NoStream, "no-stream", false, "Measure once")
	f.BoolVar(&o.NoTrunc, "no-trunc", false, "Show whole ids")
	return p.common(cmd)
}

// imageRow is a container's image.
type imageRow struct {
	Container, Repository, Tag, ID string
	Size                           int64
}

func (p *project) images() *cobra.Command {
	var quiet bool
	cmd := &cobra.Command{
		Use:   "images [OPTIONS] [SERVICE...]",
		Short: "List the images of containers",
	}
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "Show ids only")
	format := formatFlag(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, services []string) error {
		l, err := p.living(cmd.Context(), services)
		if err != nil {
			return err
		}
		images, err := l.backend.Images(cmd.Context(), l.name, api.ImagesOptions{Services: services})
		if err != nil {
			return err
		}
		if quiet {
			ids := map[string]bool{}
			for _, i := range images {
				ids[i.ID] = true
			}
			return write(p.session.Out(), "", slices.Sorted(maps.Keys(ids)), nil, func(id string) []string { return []string{id} })
		}
		var rows []imageRow
		for _, name := range slices.Sorted(maps.Keys(images)) {
			i := images[name]
			rows = append(rows, imageRow{name, i.Repository, i.Tag, i.ID, i.Size})
		}
		return write(p.session.Out(), *format, rows, []string{"Container", "Repository", "Tag", "Image Id", "Size"}, func(r imageRow) []string {
			return []string{r.Container, r.Repository, r.Tag, human.ShortID(r.ID), human.Size(float64(r.Size))}
		})
	}
	return p.common(cmd)
}

func (p *project) port() *cobra.Command {
	var protocol string
	var index int
	cmd := &cobra.Command{
		Use:   "port [OPTIONS] SERVICE [PORT]",
		Short: "Show a service's published ports, or one of them",
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var port uint64
			if len(args) > 1 {
				var err error
				if port, err = strconv.ParseUint(args[1], 10, 16); err != nil {
					return fmt.Errorf("%q is not a port", args[1])
				}
			}
			l, err := p.living(cmd.Context(), args[:1])
			if err != nil {
				return err
			}
			o := api.PortOptions{Index: index}
			if port != 0 || cmd.Flags().Changed("protocol") {
				o.Protocol = strings.ToLower(protocol)
			}
			ports, err := l.backend.Ports(cmd.Context(), l.name, args[0], uint16(port), o)
			if err != nil {
				return err
			}
			for _, to := range ports {
				if port != 0 {
					fmt.Fprintln(p.session.Out(), to.HostPort())
					return nil
				}
				fmt.Fprintln(p.session.Out(), to)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&protocol, "protocol", "tcp", "tcp, udp or sctp")
	cmd.Flags().IntVar(&index, "index", 0, "Number of the container, of a service that has several")
	return p.common(cmd)
}

// volumeRow is a volume of the project's.
type volumeRow struct{ Name, Size, Container string }

func (p *project) volumes() *cobra.Command {
	var quiet bool
	cmd := &cobra.Command{
		Use:   "volumes [OPTIONS]",
		Short: "List the volumes that the project made",
		Args:  cobra.NoArgs,
	}
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "Show names only")
	format := formatFlag(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		name, err := p.knownName()
		if err != nil {
			return err
		}
		of := make(client.Filters).Add("label", api.ProjectLabel+"="+name)
		volumes, err := p.session.Docker().VolumeList(cmd.Context(), client.VolumeListOptions{Filters: of})
		if err != nil {
			return err
		}
		var rows []volumeRow
		for _, v := range volumes.Items {
			rows = append(rows, volumeRow{v.Name, v.Labels["size"] + " GB", v.Labels["container"]})
		}
		if quiet {
			return write(p.session.Out(), "", rows, nil, func(r volumeRow) []string { return []string{r.Name} })
		}
		return write(p.session.Out(), *format, rows, []string{"Name", "Size", "Container"}, func(r volumeRow) []string {
			return []string{r.Name, r.Size, human.ShortID(r.Container)}
		})
	}
	return p.common(cmd)
}

func (p *project) config() *cobra.Command {
	var quiet, services, images, volumes, asJSON bool
	cmd := &cobra.Command{
		Use:   "config [OPTIONS] [SERVICE...]",
		Short: "Show what the file says, all told",
		Long:  "Shows the file as it is understood: files put together, variables filled in, Hyper's keys as the labels that they stand for. Anything wrong with it is an error.",
		RunE: func(cmd *cobra.Command, names []string) error {
			whole, err := p.load(cmd.Context(), names...)
			if err != nil || quiet {
				return err
			}
			for _, name := range whole.ServiceNames() {
				switch {
				case services:
					fmt.Fprintln(p.session.Out(), name)
				case images:
					fmt.Fprintln(p.session.Out(), whole.Services[name].Image)
				}
			}
			if volumes {
				for _, name := range whole.VolumeNames() {
					fmt.Fprintln(p.session.Out(), name)
				}
			}
			if services || images || volumes {
				return nil
			}
			text, err := whole.MarshalYAML()
			if asJSON {
				if text, err = whole.MarshalJSON(); err == nil {
					var tree any
					if err = json.Unmarshal(text, &tree); err == nil {
						text, err = json.MarshalIndent(tree, "", "  ")
						text = append(text, '\n')
					}
				}
			}
			if err != nil {
				return err
			}
			_, err = p.session.Out().Write(text)
			return err
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&quiet, "quiet", "q", false, "Show nothing but errors")
	f.BoolVar(&services, "services", false, "Show the services' names only")
	f.BoolVar(&images, "images", false, "Show the images only")
	f.BoolVar(&volumes, "volumes", false, "Show the volumes' names only")
	f.BoolVar(&asJSON, "json", false, "Show JSON")
	return p.common(cmd)
}

// versionRow is what is known of the program.
type versionRow struct{ Hyper, Compose string }

func (p *project) version() *cobra.Command {
	var short bool
	cmd := &cobra.Command{
		Use:   "version [OPTIONS]",
		Short: "Show the version of compose",
		Args:  cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&short, "short", false, "Show the number only")
	format := formatFlag(cmd.Flags())
	cmd.RunE = func(*cobra.Command, []string) error {
		rows := []versionRow{{version.Version, libraryVersion()}}
		if short {
			return write(p.session.Out(), "", rows, nil, func(r versionRow) []string { return []string{r.Compose} })
		}
		return write(p.session.Out(), *format, rows, nil, func(r versionRow) []string {
			return []string{fmt.Sprintf("Hyper compose version %s, on Docker compose %s", r.Hyper, r.Compose)}
		})
	}
	return cmd
}
