package container

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// resolve checks a request against its image and completes it. Links and volumes, which need
// the account's state, are left to Create's transaction.
func resolve(req *CreateRequest, img *store.Image) (Spec, []mountPlan, error) {
	spec := Spec{
		Image: req.Image, WorkingDir: req.WorkingDir, User: req.User,
		Hostname: req.Hostname, Domainname: req.Domainname,
		Tty: req.Tty, OpenStdin: req.OpenStdin, StdinOnce: req.StdinOnce,
		AttachStdin: req.AttachStdin, AttachStdout: req.AttachStdout, AttachStderr: req.AttachStderr,
		PublishAll: req.PublishAll, Restart: req.Restart, StopSignal: req.StopSignal, StopTimeout: req.StopTimeout,
		AutoRemove: req.AutoRemove, Init: req.Init, ReadOnly: req.ReadOnly,
		Tmpfs: maps.Clone(req.Tmpfs), ShmSize: req.ShmSize, CapAdd: req.CapAdd, CapDrop: req.CapDrop, NoNewPrivileges: req.NoNewPrivileges, ContainerIDFile: req.ContainerIDFile,
		GroupAdd: req.GroupAdd, Sysctls: req.Sysctls, ExtraHosts: req.ExtraHosts, ConsoleSize: req.ConsoleSize,
		Builder: req.Builder,
	}
	cfg := img.Config.Config
	if req.Privileged {
		return spec, nil, oops.Forbidden("privileged containers are not offered: root inside a container is never root on the machine")
	}
	if len(req.ContainerIDFile) > maxPath {
		return spec, nil, oops.Invalid("the name of the file for the id has %d bytes, more than %d", len(req.ContainerIDFile), maxPath)
	}
	if err := takeLabels(req.Labels, &spec); err != nil {
		return spec, nil, err
	}
	for k, v := range cfg.Labels {
		if platformLabel(k) {
			continue // who made the image does not speak for the platform
		}
		if spec.Labels == nil {
			spec.Labels = map[string]string{}
		}
		if _, ok := spec.Labels[k]; !ok {
			spec.Labels[k] = v
		}
	}
	if err := resolveCommand(req, cfg, &spec); err != nil {
		return spec, nil, err
	}
	if err := checkCounts(req); err != nil {
		return spec, nil, err
	}
	env, err := mergeEnv(cfg.Env, req.Env)
	if err != nil {
		return spec, nil, err
	}
	spec.Env = env
	if spec.WorkingDir == "" {
		spec.WorkingDir = cfg.WorkingDir
	}
	if spec.WorkingDir != "" && !strings.HasPrefix(spec.WorkingDir, "/") {
		return spec, nil, oops.Invalid("the working directory '%s' is invalid, it needs to be an absolute path", spec.WorkingDir)
	}
	if spec.User == "" {
		spec.User = cfg.User
	}
	if spec.StopSignal == "" {
		spec.StopSignal = cfg.StopSignal
	}
	if spec.StopSignal != "" {
		if _, err := parseSignal(spec.StopSignal); err != nil {
			return spec, nil, err
		}
	}
	if err := checkHostname(spec.Hostname, spec.Domainname); err != nil {
		return spec, nil, err
	}
	if err := checkDNS(req, &spec); err != nil {
		return spec, nil, err
	}
	if err := checkRestart(&spec); err != nil {
		return spec, nil, err
	}
	spec.Healthcheck, err = resolveHealth(img.Docker.Healthcheck, req.Healthcheck)
	if err != nil {
		return spec, nil, err
	}
	if err := resolvePorts(req, slices.Sorted(maps.Keys(cfg.ExposedPorts)), &spec); err != nil {
		return spec, nil, err
	}
	plans, err := planMounts(req, slices.Sorted(maps.Keys(cfg.Volumes)), &spec)
	if err == nil {
		err = checkSpec(&spec)
	}
	return spec, plans, err
}

// maxSpec is how many bytes the definition of a container may have, written as JSON: about half of what the kernel would take as
// arguments and environment of a process.
const maxSpec = 1 << 20

// checkSpec refuses what no process can be given, wherever it comes from.
func checkSpec(spec *Spec) error {
	for what, list := range map[string][]string{
		"command": spec.Args, "environment": spec.Env, "working directory": {spec.WorkingDir}, "user": {spec.User}, "tmpfs": slices.Collect(maps.Keys(spec.Tmpfs)),
	} {
		for _, text := range list {
			if strings.ContainsRune(text, 0) {
				return oops.Invalid("the %s of the container holds a zero byte", what)
			}
		}
	}
	for _, kv := range spec.Env {
		if k, _, _ := strings.Cut(kv, "="); k == "" {
			return oops.Invalid("invalid environment variable: %s", kv)
		}
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	if len(text) > maxSpec {
		return oops.Invalid("the command, environment, labels and other settings of the container, and of its image, have %d KiB together: they may have at most %d KiB", len(text)>>10, maxSpec>>10)
	}
	return nil
}

func resolveCommand(req *CreateRequest, cfg ocispec.ImageConfig, spec *Spec) error {
	spec.Entrypoint, spec.Cmd = req.Entrypoint, req.Cmd
	if spec.Entrypoint == nil {
		spec.Entrypoint = cfg.Entrypoint
		if len(spec.Cmd) == 0 {
			spec.Cmd = cfg.Cmd
		}
	}
	if len(spec.Entrypoint) == 1 && spec.Entrypoint[0] == "" {
		spec.Entrypoint = nil
	}
	spec.Args = append(slices.Clone(spec.Entrypoint), spec.Cmd...)
	if len(spec.Args) == 0 || spec.Args[0] == "" {
		return oops.Invalid("no command specified: the image %s has none, name one", req.Image)
	}
	return nil
}

// maxPath is how long the name of a file can be.
const maxPath = 4096

// mergeEnv lays the user's variables over the image's; a name without = takes a variable away.
func mergeEnv(image, user []string) ([]string, error) {
	env := newEnviron(image)
	for _, kv := range user {
		k, _, set := strings.Cut(kv, "=")
		if k == "" {
			return nil, oops.Invalid("invalid environment variable: %s", kv)
		}
		if strings.ContainsRune(kv, 0) {
			return nil, oops.Invalid("invalid environment variable %q: it holds a zero byte", k)
		}
		if set {
			env.set(kv)
		} else {
			env.unset(k)
		}
	}
	return env.list(), nil
}

func checkRestart(spec *Spec) error {
	p := &spec.Restart
	switch p.Name {
	case "", "no":
		p.Name = "no"
	case "always", "unless-stopped", "on-failure":
		if spec.AutoRemove {
			return oops.Invalid("Conflicting options: --restart and --rm")
		}
	default:
		return oops.Invalid("invalid restart policy %s", p.Name)
	}
	if p.MaxRetries < 0 {
		return oops.Invalid("maximum retry count cannot be negative")
	}
	if p.MaxRetries > 0 && p.Name != "on-failure" {
		return oops.Invalid("maximum restart count not valid with restart policy of \"%s\"", p.Name)
	}
	if spec.AutoRemove && spec.Protection {
		return oops.Invalid("Conflicting options: --rm and --protection")
	}
	return nil
}

// resolveHealth lays the user's health check over the image's, field by field.
func resolveHealth(image, user *engine.Healthcheck) (*engine.Healthcheck, error) {
	var h engine.Healthcheck
	for _, from := range []*engine.Healthcheck{image, user} {
		if from == nil {
			continue
		}
		if len(from.Test) > 0 {
			h.Test = from.Test
		}
		for _, f := range []struct {
			name     string
			from, to *time.Duration
		}{
			{"interval", &from.Interval, &h.Interval}, {"timeout", &from.Timeout, &h.Timeout},
			{"start period", &from.StartPeriod, &h.StartPeriod}, {"start interval", &from.StartInterval, &h.StartInterval},
		} {
			if *f.from != 0 && *f.from < time.Millisecond {
				return nil, oops.Invalid("the health check's %s cannot be less than 1ms", f.name)
			}
			if *f.from != 0 {
				*f.to = *f.from
			}
		}
		if from.Retries < 0 {
			return nil, oops.Invalid("the health check's retries cannot be negative")
		}
		if from.Retries > 0 {
			h.Retries = from.Retries
		}
	}
	if len(h.Test) == 0 || h.Test[0] == "NONE" {
		return nil, nil
	}
	switch {
	case h.Test[0] != "CMD" && h.Test[0] != "CMD-SHELL":
		return nil, oops.Invalid("unknown type of health check %q: use NONE, CMD or CMD-SHELL", h.Test[0])
	case len(h.Test) < 2:
		return nil, oops.Invalid("the health check has no command")
	}
	return &h, nil
}
