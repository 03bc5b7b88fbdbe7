package container

import (
	"errors"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// committable are the instructions that a commit may have. The others need a build.
var committable = []string{"cmd", "entrypoint", "env", "expose", "healthcheck", "label", "onbuild", "shell", "stopsignal", "user", "volume", "workdir"}

// maxChanges bounds the text of a commit's changes.
const maxChanges = 64 << 10

// ImportConfig is the config of an image that is made of nothing but a root file system, with instructions as in a Dockerfile. Errors:
// ErrInvalidArgument.
func ImportConfig(changes []string) (c ocispec.ImageConfig, d engine.DockerConfig, err error) {
	err = applyChanges(&c, &d, changes)
	return c, d, err
}

// applyChanges changes a config by instructions as in a Dockerfile.
func applyChanges(c *ocispec.ImageConfig, d *engine.DockerConfig, changes []string) error {
	text := strings.Join(changes, "\n")
	if strings.TrimSpace(text) == "" {
		return nil
	}
	if len(text) > maxChanges {
		return oops.Invalid("the changes have %d bytes, more than %d", len(text), maxChanges)
	}
	parsed, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		return oops.Invalid("the changes cannot be read: %v", err)
	}
	exposed := portSet{}
	for _, node := range parsed.AST.Children {
		if !slices.Contains(committable, strings.ToLower(node.Value)) {
			return oops.Invalid("%s is not a valid change command: use %s", node.Value, strings.ToUpper(strings.Join(committable, ", ")))
		}
		if len(node.Heredocs) > 0 {
			return oops.Invalid("a change has no files of its own: leave the << out")
		}
		change, err := instructions.ParseInstruction(node)
		if err != nil {
			return oops.Invalid("the change %q cannot be made: %v", node.Original, err)
		}
		if err := apply(c, d, change, &exposed); err != nil {
			return err
		}
	}
	for _, p := range exposed.list() {
		expose(c, p)
	}
	return nil
}

func apply(c *ocispec.ImageConfig, d *engine.DockerConfig, change any, exposed *portSet) error {
	if x, ok := change.(instructions.SupportsSingleWordExpansion); ok {
		lex := shell.NewLex('\\')
		err := x.Expand(func(word string) (string, error) {
			if err := expandable(word, c.Env); err != nil {
				return "", err
			}
			out, _, err := lex.ProcessWord(word, shell.EnvsFromSlice(c.Env))
			return out, err
		})
		if err != nil {
			return oops.Invalid("a change cannot be made: %v", err)
		}
	}
	switch x := change.(type) {
	case *instructions.CmdCommand:
		c.Cmd = commandLine(x.ShellDependantCmdLine, d)
	case *instructions.EntrypointCommand:
		c.Entrypoint = commandLine(x.ShellDependantCmdLine, d)
	case *instructions.EnvCommand:
		env := newEnviron(c.Env)
		for _, kv := range x.Env {
			env.set(kv.Key + "=" + kv.Value)
		}
		c.Env = env.list()
	case *instructions.LabelCommand:
		for _, kv := range x.Labels {
			setLabel(c, kv.Key, kv.Value)
		}
	case *instructions.ExposeCommand:
		for _, p := range x.Ports {
			ports, err := parseExposed(p)
			if err != nil {
				return err
			}
			if err := exposed.add(ports); err != nil {
				return err
			}
		}
	case *instructions.HealthCheckCommand:
		h := x.Health
		d.Healthcheck = &engine.Healthcheck{
			Test: h.Test, Interval: h.Interval, Timeout: h.Timeout, StartPeriod: h.StartPeriod, StartInterval: h.StartInterval, Retries: h.Retries,
		}
	case *instructions.OnbuildCommand:
		d.OnBuild = append(slices.Clone(d.OnBuild), x.Expression)
	case *instructions.ShellCommand:
		d.Shell = x.Shell
	case *instructions.StopSignalCommand:
		if _, err := parseSignal(x.Signal); err != nil {
			return err
		}
		c.StopSignal = x.Signal
	case *instructions.UserCommand:
		c.User = x.User
	case *instructions.VolumeCommand:
		for _, v := range x.Volumes {
			setVolume(c, v)
		}
	case *instructions.WorkdirCommand:
		dir := x.Path
		if !path.IsAbs(dir) {
			dir = path.Join("/", c.WorkingDir, dir)
		}
		c.WorkingDir = path.Clean(dir)
	}
	return nil
}

// maxExpansion bounds the work of expanding one word: its length times that of the longest variable. Without it, a variable that is made of itself
// twice fills any memory in a few lines.
const maxExpansion = 4 << 20

// replacing is the one form of a variable whose result can be longer than the word and the variables that are in it.
var replacing = regexp.MustCompile(`\$\{\w+/`)

func expandable(word string, env []string) error {
	if !strings.Contains(word, "$") {
		return nil
	}
	if replacing.MatchString(word) {
		return errors.New("a variable with a replacement (${NAME/what/by}) is not offered")
	}
	longest := 0
	for _, kv := range env {
		longest = max(longest, len(kv))
	}
	if len(word)*longest > maxExpansion {
		return errors.New("the variables in it are too long")
	}
	return nil
}

// commandLine is a command as it is run: by the shell, unless it is a list.
func commandLine(l instructions.ShellDependantCmdLine, d *engine.DockerConfig) []string {
	if !l.PrependShell {
		return l.CmdLine
	}
	sh := d.Shell
	if len(sh) == 0 {
		sh = []string{"/bin/sh", "-c"}
	}
	return append(slices.Clone(sh), strings.Join(l.CmdLine, " "))
}
