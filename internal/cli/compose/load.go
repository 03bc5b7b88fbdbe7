package compose

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/compose/v5/pkg/api"
)

// load reads the project's files, and leaves of its services those that are named and what they need; without a name, all.
func (p *project) load(ctx context.Context, services ...string) (*types.Project, error) {
	o, err := p.options()
	if err != nil {
		return nil, err
	}
	dir, err := o.GetWorkingDir()
	if err != nil {
		return nil, err
	}
	contents, err := read(o.ConfigPaths, p.session.Cli.In())
	if err != nil {
		return nil, err
	}
	if err := setComposeVariables(o.Environment); err != nil {
		return nil, err
	}
	name, err := p.nameOf(contents)
	if err != nil {
		return nil, err
	}
	details := types.ConfigDetails{WorkingDir: dir, Environment: o.Environment}
	for i, path := range o.ConfigPaths {
		file, err := configFile(path, contents[i], name)
		if err != nil {
			return nil, err
		}
		details.ConfigFiles = append(details.ConfigFiles, file)
	}
	project, err := bind(ctx, details, name, p.activeProfiles(o.Environment))
	if err != nil {
		return nil, err
	}
	for _, path := range o.ConfigPaths {
		if path != stdin {
			if path, err = filepath.Abs(path); err != nil {
				return nil, err
			}
		}
		project.ComposeFiles = append(project.ComposeFiles, path)
	}
	return selected(project, p.envFiles, services)
}

// setComposeVariables lets .env set what the environment does not, for variables that are compose's own.
func setComposeVariables(env types.Mapping) error {
	for k, v := range env {
		if _, set := os.LookupEnv(k); !set && strings.HasPrefix(k, "COMPOSE_") {
			if err := os.Setenv(k, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *project) activeProfiles(env types.Mapping) []string {
	if len(p.profiles) > 0 {
		return p.profiles
	}
	return strings.FieldsFunc(env["COMPOSE_PROFILES"], func(r rune) bool { return r == ',' })
}

// configFile is one file as the library is to read it: one of the original's is converted first.
func configFile(path string, content []byte, project string) (types.ConfigFile, error) {
	file := types.ConfigFile{Filename: path, Content: content}
	original, err := readOriginal(path, content, project)
	if err != nil {
		return file, err
	}
	file.Config = original
	return file, nil
}

// bind has the library read the files, in two steps: between them Hyper's keys are taken from the tree.
func bind(ctx context.Context, details types.ConfigDetails, name string, profiles []string) (*types.Project, error) {
	if err := teachSchema(); err != nil {
		return nil, err
	}
	with := []func(*loader.Options){
		func(o *loader.Options) { o.SetProjectName(name, true) },
		loader.WithProfiles(profiles),
	}
	model, err := loader.LoadModelWithContext(ctx, details, with...)
	if err != nil {
		return nil, respell(err)
	}
	if err := takeKeys(model); err != nil {
		return nil, err
	}
	options := loader.ToOptions(&details, with)
	project, err := loader.ModelToProject(model, options, details)
	if err != nil {
		return nil, respell(err)
	}
	return project, applyKeys(project)
}

// respelled are errors of the library's that the original words differently; each is given the groups of its expression.
var respelled = []struct {
	library  *regexp.Regexp
	original func(m []string) error
}{
	{regexp.MustCompile(`(?s)^invalid interpolation format for services\.([^.\n]+)\.([^.\n]+)\.[^\n]*\n[^\n]*\n(.*)$`), func(m []string) error {
		return fmt.Errorf(`Invalid interpolation format for "%s" option in service "%s": "%s"`, m[2], m[1], m[3])
	}},
	{regexp.MustCompile(`^(?:validating [^\n]*: )?services\.([^.]+)\.([^.]+) false schema$`), func(m []string) error { return unsupported(m[1], m[2]) }},
	{regexp.MustCompile(`^dependency cycle detected: (.*)$`), func(m []string) error {
		return fmt.Errorf("Cycle detected in path %s", strings.ReplaceAll(m[1], " -> ", "->"))
	}},
	{regexp.MustCompile(`^.*no such service: ([^:]+).*$`), func(m []string) error { return fmt.Errorf("No such service: %s", m[1]) }},
}

func respell(err error) error {
	if err == nil {
		return nil
	}
	for _, r := range respelled {
		if m := r.library.FindStringSubmatch(err.Error()); m != nil {
			return r.original(m)
		}
	}
	return err
}

// selected leaves the services that are named and those that they need, and labels them as the library does.
func selected(project *types.Project, envFiles, services []string) (*types.Project, error) {
	for _, name := range services {
		if _, ok := project.Services[name]; !ok {
			if _, ok := project.DisabledServices[name]; !ok {
				return nil, fmt.Errorf("No such service: %s", name)
			}
		}
	}
	project, err := project.WithServicesEnabled(services...)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(project.Services)) {
		service := project.Services[name]
		service.CustomLabels = service.CustomLabels.
			Add(api.ProjectLabel, project.Name).
			Add(api.ServiceLabel, name).
			Add(api.VersionLabel, api.ComposeVersion).
			Add(api.WorkingDirLabel, project.WorkingDir).
			Add(api.ConfigFilesLabel, strings.Join(project.ComposeFiles, ",")).
			Add(api.OneoffLabel, "False")
		if len(envFiles) > 0 {
			service.CustomLabels = service.CustomLabels.Add(api.EnvironmentFileLabel, strings.Join(envFiles, ","))
		}
		project.Services[name] = service
	}
	if project, err = project.WithSelectedServices(services); err != nil {
		return nil, err
	}
	return project.WithoutUnnecessaryResources(), nil
}
