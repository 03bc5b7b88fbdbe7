package compose

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/cli/cli"
	"github.com/docker/compose/v5/pkg/api"
	"github.com/spf13/cobra"
)

// running are the flags of run.
type running struct {
	remove, detach, noTTY   bool
	noDeps, ports, aliases  bool
	name, user, dir, entry  string
	env, labels, volumes    list
	publish, capAdd, capDel list
}

func (p *project) run() *cobra.Command {
	var r running
	cmd := &cobra.Command{
		Use:   "run [OPTIONS] SERVICE [COMMAND] [ARG...]",
		Short: "Run a command in a container of its own, made as a service's are",
		Long:  "Runs a command in a container of its own, made as the service's are but for ports and floating IPs; what the service depends on is started first. Exits with the command's code.",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.runOnce(cmd.Context(), r, args[0], args[1:])
		},
	}
	f := cmd.Flags()
	f.SetInterspersed(false)
	f.BoolVar(&r.remove, "rm", false, "Remove the container and its automatic volumes afterwards")
	f.BoolVarP(&r.detach, "detach", "d", false, "Do not wait for its end")
	f.BoolVarP(&r.noTTY, "no-TTY", "T", false, "Give it no terminal")
	f.BoolVar(&r.noDeps, "no-deps", false, "Do not start what the service depends on")
	f.BoolVar(&r.ports, "service-ports", false, "Publish the service's ports")
	f.BoolVar(&r.aliases, "use-aliases", false, "Answer to the service's names in its networks")
	f.StringVar(&r.name, "name", "", "Name of the container")
	f.StringVarP(&r.user, "user", "u", "", "User that it runs as")
	f.StringVarP(&r.dir, "workdir", "w", "", "Directory that it runs in")
	f.StringVar(&r.entry, "entrypoint", "", "Program that is run instead of the image's")
	f.VarP(&r.env, "env", "e", "Environment variable, NAME=VALUE")
	f.VarP(&r.labels, "label", "l", "Label, NAME=VALUE")
	f.VarP(&r.volumes, "volume", "v", "Mount a volume, [NAME:]PATH[:ro]")
	f.Var(&r.publish, "publish", "Publish a port, [PUBLIC:]PRIVATE[/PROTO]")
	f.Var(&r.capAdd, "cap-add", "Add a capability")
	f.Var(&r.capDel, "cap-drop", "Drop a capability")
	return p.common(cmd)
}

func (p *project) runOnce(ctx context.Context, r running, name string, command []string) error {
	whole, err := p.load(ctx)
	if err != nil {
		return err
	}
	if _, ok := whole.Services[name]; !ok {
		if _, ok := whole.DisabledServices[name]; !ok {
			return fmt.Errorf("%s is not defined in the template", name)
		}
	}
	project, err := selected(whole, p.envFiles, []string{name})
	if err != nil {
		return err
	}
	if err := sendContents(project); err != nil {
		return err
	}
	if err := r.apply(project, name); err != nil {
		return err
	}
	if r.name == "" {
		if r.name, err = p.freeName(ctx, project.Name, name); err != nil {
			return err
		}
	}
	b, err := p.backend(p.engine(), nothing{})
	if err != nil {
		return err
	}
	tty := !r.noTTY && !r.detach && p.session.Cli.In().IsTerminal() && p.session.Cli.Out().IsTerminal()
	o := api.RunOptions{
		CreateOptions: api.CreateOptions{IgnoreOrphans: true},
		Project:       project, Name: r.name, Service: name, Command: command, Detach: r.detach, AutoRemove: r.remove, Tty: tty, Interactive: !r.detach,
		WorkingDir: r.dir, User: r.user, Environment: r.env, Labels: types.Labels{}, UseNetworkAliases: r.aliases, NoDeps: r.noDeps,
		CapAdd: r.capAdd, CapDrop: r.capDel, Index: 0,
	}
	for _, l := range r.labels {
		k, v, _ := strings.Cut(l, "=")
		o.Labels[k] = v
	}
	if r.entry != "" {
		o.Entrypoint = strings.Fields(r.entry)
	}
	code, err := b.RunOneOffContainer(ctx, project, o)
	if err != nil {
		return respell(err)
	}
	if r.detach {
		fmt.Fprintln(p.session.Out(), r.name)
	}
	if code != 0 {
		return cli.StatusError{StatusCode: code}
	}
	return nil
}

// apply changes the service for the one container.
func (r *running) apply(project *types.Project, name string) error {
	service := project.Services[name]
	if !r.ports {
		service.Ports = nil
	}
	for _, text := range r.publish {
		ports, err := types.ParsePortConfig(text)
		if err != nil {
			return err
		}
		service.Ports = append(service.Ports, ports...)
	}
	for _, text := range r.volumes {
		volume := types.ServiceVolumeConfig{Type: types.VolumeTypeVolume}
		parts := strings.Split(strings.TrimSuffix(text, ":ro"), ":")
		switch len(parts) {
		case 1:
			volume.Target = parts[0]
		case 2:
			volume.Source, volume.Target = parts[0], parts[1]
		}
		if !strings.HasPrefix(volume.Target, "/") || strings.HasPrefix(volume.Source, "/") || strings.HasPrefix(volume.Source, ".") {
			return fmt.Errorf("%q is not [NAME:]PATH[:ro]", text)
		}
		volume.ReadOnly = strings.HasSuffix(text, ":ro")
		service.Volumes = append(service.Volumes, volume)
	}
	service.ContainerName = ""
	project.Services[name] = service
	return nil
}

// freeName is <project>-<service>-run-<N>, of the first number that is free.
func (p *project) freeName(ctx context.Context, project, service string) (string, error) {
	all, err := p.containers(ctx, project, nil, true)
	if err != nil {
		return "", err
	}
	taken := map[string]bool{}
	for _, c := range all {
		taken[nameOf(c)] = true
	}
	for n := 1; ; n++ {
		if name := strings.Join([]string{project, service, "run", strconv.Itoa(n)}, api.Separator); !taken[name] {
			return name, nil
		}
	}
}
