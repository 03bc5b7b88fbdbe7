package compose

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/containerd/errdefs"
	"github.com/docker/compose/v5/pkg/api"
	"github.com/docker/compose/v5/pkg/compose"
	"github.com/spf13/cobra"
)

// Images of services with build are built by the server, from their context, which is sent to it. The library would leave that to a plugin of
// Docker's where there is one; the server's builder is BuildKit in any case.

func (p *project) build() *cobra.Command {
	var o api.BuildOptions
	var args list
	cmd := &cobra.Command{
		Use:   "build [OPTIONS] [SERVICE...]",
		Short: "Build the images of services",
		Long:  "Builds the images of all services that say how (build), or of those named. 'up' builds those that are missing by itself.",
		RunE: func(cmd *cobra.Command, services []string) error {
			project, err := p.load(cmd.Context(), services...)
			if err != nil {
				return err
			}
			o.Args = types.NewMappingWithEquals(args).Resolve(os.LookupEnv)
			names := services
			if len(names) == 0 {
				names = project.ServiceNames()
			}
			return p.buildImages(cmd.Context(), project, names, o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.NoCache, "no-cache", false, "Build every step anew")
	f.BoolVar(&o.Pull, "pull", false, "Ask registries for newer base images")
	f.Var(&args, "build-arg", "Value of an ARG, NAME=VALUE; without =VALUE that of the environment")
	f.BoolVarP(&o.Quiet, "quiet", "q", false, "Do not tell of it")
	return p.common(cmd)
}

// buildMissing builds the images of services that say how, and are not there or are to be built whatever is there.
func (p *project) buildMissing(ctx context.Context, project *types.Project, always, quiet bool) error {
	var names []string
	for _, name := range project.ServiceNames() {
		service := project.Services[name]
		if service.Build == nil {
			continue
		}
		service.Image = api.GetImageNameOrDefault(service, project.Name)
		project.Services[name] = service
		if always || service.PullPolicy == types.PullPolicyBuild {
			names = append(names, name)
			continue
		}
		_, err := p.session.Cli.Client().ImageInspect(ctx, service.Image)
		if errdefs.IsNotFound(err) {
			names = append(names, name)
		} else if err != nil {
			return err
		}
	}
	if len(names) == 0 {
		return nil
	}
	if err := p.buildImages(ctx, project, names, api.BuildOptions{Quiet: quiet}); err != nil {
		return err
	}
	for _, name := range names { // they are there now, and not to be looked for at a registry
		service := project.Services[name]
		service.PullPolicy = types.PullPolicyMissing
		project.Services[name] = service
	}
	return nil
}

func (p *project) buildImages(ctx context.Context, project *types.Project, names []string, o api.BuildOptions) error {
	o.Services = nil
	for _, name := range names {
		service, ok := project.Services[name]
		if !ok || service.Build == nil {
			continue
		}
		o.Services = append(o.Services, name)
		// By these 'down --rmi local' finds it again.
		service.Build.Labels = service.Build.Labels.Add(api.ProjectLabel, project.Name).Add(api.ServiceLabel, name).Add(api.VersionLabel, libraryVersion())
	}
	if len(o.Services) == 0 {
		fmt.Fprintln(p.session.Err(), "WARNING: no service says how its image is built")
		return nil
	}
	if err := os.Setenv("DOCKER_BUILDKIT", "0"); err != nil { // no plugin
		return err
	}
	var more []compose.Option
	if !o.Quiet {
		fmt.Fprintf(p.session.Err(), "Building %s...\n", strings.Join(o.Services, ", "))
		more = append(more, compose.WithOutputStream(p.session.Err()))
	}
	b, err := p.backend(p.engine(), nothing{}, more...)
	if err != nil {
		return err
	}
	return b.Build(ctx, project, o)
}
