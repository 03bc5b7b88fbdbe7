package compose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/compose/v5/pkg/api"
	"github.com/docker/compose/v5/pkg/compose"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// making are the flags of commands that make containers.
type making struct {
	force, never  bool
	orphans       bool
	noDeps        bool
	dependencies  bool
	fresh         bool
	quiet, yes    bool
	build         bool
	pull          string
	scale         list
	timeout       int
	timeoutIsSaid bool
}

func (m *making) flags(f *pflag.FlagSet) {
	f.BoolVar(&m.force, "force-recreate", false, "Replace containers though nothing has changed")
	f.BoolVar(&m.never, "no-recreate", false, "Replace no container though something has changed")
	f.BoolVar(&m.orphans, "remove-orphans", false, "Remove containers of services that the file has no more")
	f.StringVar(&m.pull, "pull", "", "When to pull images: always, missing, never")
	f.BoolVar(&m.build, "build", false, "Build the images of services that say how, though they are there")
	f.BoolVar(&m.quiet, "quiet-pull", false, "Pull without telling of it")
	f.Var(&m.scale, "scale", "How many containers a service has, SERVICE=N")
	f.BoolVarP(&m.yes, "yes", "y", false, "Allocate floating IPs without asking")
}

// options are the library's. named are the services that were named; what they depend on is replaced only when it has changed.
func (m *making) options(named []string) api.CreateOptions {
	o := api.CreateOptions{
		Services: named, RemoveOrphans: m.orphans, Inherit: !m.fresh, QuietPull: m.quiet,
		Recreate: api.RecreateDiverged, RecreateDependencies: api.RecreateDiverged, Timeout: m.grace(),
	}
	switch {
	case m.never:
		o.Recreate, o.RecreateDependencies = api.RecreateNever, api.RecreateNever
	case m.force:
		o.Recreate = api.RecreateForce
	}
	if m.dependencies {
		o.RecreateDependencies = api.RecreateForce
	}
	return o
}

func (m *making) grace() *time.Duration {
	if !m.timeoutIsSaid {
		return nil
	}
	d := time.Duration(m.timeout) * time.Second
	return &d
}

func (m *making) check() error {
	if m.force && m.never {
		return errors.New("no-recreate and force-recreate cannot be combined")
	}
	switch m.pull {
	case "", types.PullPolicyAlways, types.PullPolicyMissing, types.PullPolicyNever:
		return nil
	}
	return fmt.Errorf("--pull is %q: it is always, missing or never", m.pull)
}

// apply gives the project what the flags say of it.
func (m *making) apply(project *types.Project, named []string) (*types.Project, error) {
	if m.noDeps {
		var err error
		if project, err = project.WithSelectedServices(named, types.IgnoreDependencies); err != nil {
			return nil, err
		}
	}
	for name, service := range project.Services {
		if m.pull != "" {
			service.PullPolicy = m.pull
		}
		project.Services[name] = service
	}
	return project, replicas(project, m.scale)
}

// replicas reads SERVICE=N.
func replicas(project *types.Project, asked []string) error {
	for _, text := range asked {
		name, count, ok := strings.Cut(text, "=")
		n, err := strconv.Atoi(count)
		if !ok || err != nil || n < 0 {
			return fmt.Errorf("%q is not SERVICE=N", text)
		}
		service, ok := project.Services[name]
		if !ok {
			return fmt.Errorf("%s is not defined in the template", name)
		}
		service.SetScale(n)
		project.Services[name] = service
	}
	return nil
}

// attaching are the flags of an attached up.
type attaching struct {
	detach, noStart, wait   bool
	waitTimeout             int
	noColour, noPrefix      bool
	timestamps              bool
	withDependencies        bool
	only, except            list
	stopOnExit, stopOnError bool
	codeFrom                string
}

func (p *project) up() *cobra.Command {
	var m making
	var a attaching
	cmd := &cobra.Command{
		Use:   "up [OPTIONS] [SERVICE...]",
		Short: "Create and start containers, and follow their logs",
		Long:  "Creates and starts the containers of all services, or of those named and what they depend on, and follows their logs until Ctrl-C, which stops them.",
		RunE: func(cmd *cobra.Command, services []string) error {
			m.timeoutIsSaid = cmd.Flags().Changed("timeout")
			if err := errors.Join(m.check(), a.check()); err != nil {
				return err
			}
			return p.runUp(cmd.Context(), m, a, services)
		},
	}
	f := cmd.Flags()
	m.flags(f)
	f.BoolVarP(&a.detach, "detach", "d", false, "Do not follow the logs")
	f.BoolVar(&m.noDeps, "no-deps", false, "Leave out what the services depend on")
	f.BoolVar(&m.dependencies, "always-recreate-deps", false, "Replace what the services depend on too")
	f.BoolVarP(&m.fresh, "renew-anon-volumes", "V", false, "Give new containers new automatic volumes, and not those of the old")
	f.IntVarP(&m.timeout, "timeout", "t", 0, "Seconds that a container has to stop (default at Ctrl-C 0, otherwise the container's)")
	f.BoolVar(&a.noStart, "no-start", false, "Create the containers only")
	f.BoolVar(&a.wait, "wait", false, "Return when all run, and are healthy where that can be told")
	f.IntVar(&a.waitTimeout, "wait-timeout", 0, "Seconds to wait for that at most")
	f.BoolVar(&a.noColour, "no-color", false, "Write names without colours")
	f.BoolVar(&a.noPrefix, "no-log-prefix", false, "Write lines without names")
	f.BoolVar(&a.timestamps, "timestamps", false, "Write lines with times")
	f.BoolVar(&a.withDependencies, "attach-dependencies", false, "Follow the logs of what the services depend on, too")
	f.Var(&a.only, "attach", "Follow the log of this service only")
	f.Var(&a.except, "no-attach", "Do not follow the log of this service")
	f.BoolVar(&a.stopOnExit, "abort-on-container-exit", false, "Stop all when one has exited")
	f.BoolVar(&a.stopOnError, "abort-on-container-failure", false, "Stop all when one has failed")
	f.StringVar(&a.codeFrom, "exit-code-from", "", "Exit with the code of this service, and stop all when one has exited")
	return p.common(cmd)
}

func (a *attaching) check() error {
	if a.codeFrom != "" && !a.stopOnError {
		a.stopOnExit = true
	}
	a.detach = a.detach || a.wait
	switch {
	case a.stopOnExit && a.stopOnError:
		return errors.New("abort-on-container-exit and abort-on-container-failure cannot be combined")
	case a.detach && (a.stopOnExit || a.stopOnError || a.withDependencies || len(a.only) > 0):
		return errors.New("detach and wait cannot be combined with what is for an attached up")
	case a.waitTimeout < 0:
		return errors.New("wait-timeout is a number of seconds")
	}
	return nil
}

// prepared is a project that is about to be made.
type prepared struct {
	*types.Project
	engine  *engine
	status  *status
	backend api.Compose
}

// prepare reads the file, and has all ready that is to be known before the first step.
func (p *project) prepare(ctx context.Context, m *making, services []string) (*prepared, error) {
	whole, err := p.load(ctx)
	if err != nil {
		return nil, err
	}
	total := len(whole.Services)
	project := whole
	if len(services) > 0 {
		if project, err = selected(whole, p.envFiles, services); err != nil {
			return nil, err
		}
	}
	if len(project.Services) == 0 {
		return nil, fmt.Errorf("project %s has no services: nothing would be made", project.Name)
	}
	if err := sendContents(project); err != nil {
		return nil, err
	}
	if project, err = m.apply(project, services); err != nil {
		return nil, err
	}
	if err := p.buildMissing(ctx, project, m.build, m.quiet); err != nil {
		return nil, err
	}
	out := &prepared{Project: project, engine: p.engine()}
	out.status = newStatus(p.session.Out(), p.session.Err(), project.Name, total)
	out.status.ofProject(project)
	if m.quiet {
		out.status.quiet()
	}
	if err := p.takeFIPs(ctx, project, out.engine, m.yes); err != nil {
		return nil, err
	}
	// What the library itself says on standard output, "Attaching to ...", is not among the original's lines.
	out.backend, err = p.backend(out.engine, out.status, compose.WithOutputStream(io.Discard))
	return out, err
}

func (p *project) runUp(ctx context.Context, m making, a attaching, services []string) error {
	to, err := p.prepare(ctx, &m, services)
	if err != nil {
		return err
	}
	create := m.options(services)
	if a.noStart {
		return p.runCreate(ctx, to, create)
	}
	start := api.StartOptions{
		Project: to.Project, Services: services, Wait: a.wait, WaitTimeout: time.Duration(a.waitTimeout) * time.Second, ExitCodeFrom: a.codeFrom,
	}
	to.status.begin(starting)
	if a.detach {
		if err := to.backend.Up(ctx, to.Project, api.UpOptions{Create: create, Start: start}); err != nil {
			return err
		}
		to.status.end()
		return nil
	}
	return p.attached(ctx, to, m, a, create, start)
}

// attached makes the containers, which can be interrupted, and then starts and follows them, which the library ends by itself at a signal.
func (p *project) attached(ctx context.Context, to *prepared, m making, a attaching, create api.CreateOptions, start api.StartOptions) error {
	out := newLines(p.session.Out(), p.session.Err(), p.session.Cli.Out().IsTerminal() && !a.noColour)
	out.plain, out.stamped, out.hold = a.noPrefix, a.timestamps, true
	follow, err := a.follow(to.Project, start.Services)
	if err != nil {
		return err
	}
	for _, name := range follow {
		service := to.Services[name]
		for i := 1; i <= service.GetScale(); i++ {
			out.expect(name + api.Separator + strconv.Itoa(i))
		}
	}
	start.Attach, start.AttachTo = out, follow
	switch {
	case a.stopOnExit:
		start.OnExit = api.CascadeStop
	case a.stopOnError:
		start.OnExit = api.CascadeFail
	}
	to.status.onDone = out.release
	to.status.onLeave = func() {
		out.release()
		to.engine.hurry(m.timeout)
	}
	if err := to.backend.Create(ctx, to.Project, create); err != nil {
		return err
	}
	create.Recreate, create.RecreateDependencies, create.RemoveOrphans, create.IgnoreOrphans = api.RecreateNever, api.RecreateNever, false, true
	err = to.backend.Up(context.WithoutCancel(ctx), to.Project, api.UpOptions{Create: create, Start: start})
	out.release()
	return err
}

// follow are the services whose logs are followed.
func (a *attaching) follow(project *types.Project, named []string) ([]string, error) {
	for _, name := range append(append([]string{}, a.only...), a.codeFrom) {
		if name == "" {
			continue
		}
		if _, ok := project.Services[name]; !ok {
			return nil, fmt.Errorf("No such service: %s", name)
		}
	}
	if len(a.only) > 0 {
		return a.only, nil
	}
	if a.withDependencies {
		named = nil
	}
	var out []string
	for _, name := range project.ServiceNames() {
		service := project.Services[name]
		silent := service.Attach != nil && !*service.Attach
		if !silent && (len(named) == 0 || slices.Contains(named, name)) && !slices.Contains(a.except, name) {
			out = append(out, name)
		}
	}
	return out, nil
}
