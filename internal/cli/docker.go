package cli

import (
	"reflect"
	"runtime"
	"slices"
	"strings"

	dockercli "github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	"github.com/hypercloud/hyper/internal/cli/clouds"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// fromDocker are docker/cli's commands that Hyper has too, as they are there, with Hyper's words about them.
var fromDocker = map[string]string{
	"attach":  "Attach to a running container's input and output",
	"build":   "Build an image of a Dockerfile",
	"commit":  "Make an image of a container",
	"cp":      "Copy files between a container and here",
	"create":  "Create a container without starting it",
	"diff":    "Show which files of a container differ from its image",
	"events":  "Show what happens, as it happens",
	"exec":    "Run a command in a running container",
	"export":  "Write a container's files to a tar archive",
	"kill":    "Kill running containers",
	"login":   "Log in to a registry",
	"logout":  "Log out from a registry",
	"logs":    "Show a container's log",
	"pause":   "Pause all processes of containers",
	"push":    "Push an image to a registry",
	"rename":  "Rename a container",
	"restart": "Restart containers",
	"rmi":     "Remove images",
	"run":     "Create a container and start it",
	"save":    "Save images to a tar archive",
	"start":   "Start stopped containers",
	"stop":    "Stop running containers",
	"tag":     "Give an image one more name",
	"top":     "Show a container's processes",
	"unpause": "Let paused containers go on",
	"wait":    "Wait until containers stop, then print their exit codes",
}

// dockerGroups are docker/cli's groups that scripts may use; help does not list them.
var dockerGroups = map[string]string{
	"container": "Manage containers",
	"image":     "Manage images",
	"network":   "Manage networks",
	"system":    "Manage the server's resources of this account",
	"volume":    "Manage volumes",
}

// notOffered are flags of docker/cli's for what a server of Hyper's does not do. Whoever gives one all the same hears so from the server;
// help does not lead there.
var notOffered = map[string]string{
	"build":  "cache-from cgroup-parent cpu-period cpu-quota cpu-shares cpuset-cpus cpuset-mems force-rm isolation memory memory-swap rm security-opt squash ulimit",
	"commit": "no-pause",
	"exec":   "privileged",
	"logs":   "details",
	"push":   "platform",
	"rmi":    "platform",
	"save":   "platform",
	"start":  "checkpoint checkpoint-dir",
}

// settle makes a command of docker/cli's one of Hyper's: its words, its flags, its way of failing.
func settle(s *session.Session, cmd *cobra.Command) {
	retell(cmd)
	for _, name := range strings.Fields(notOffered[cmd.Name()]) {
		if f := cmd.Flags().Lookup(name); f != nil {
			f.Hidden = true
		}
	}
	if cmd.Name() == "login" {
		// The first client's. Registries have long since ceased to ask for it.
		cmd.Flags().StringP("email", "e", "", "E-mail address; not used")
		_ = cmd.Flags().MarkHidden("email")
	}
	reachFirst(s, cmd)
	keepClouds(s, cmd)
}

// retell puts Hyper's words where docker/cli names its own product in the first lines of a command's help.
func retell(cmd *cobra.Command) {
	cmd.Use = strings.ReplaceAll(cmd.Use, "docker ", "hyper ")
	if cmd.Name() == "df" {
		cmd.Short = "Show how much space the account uses"
	}
}

// reachFirst lets a command that needs the server fail once, and understandably, when there is none.
func reachFirst(s *session.Session, cmd *cobra.Command) {
	run := cmd.RunE
	if run == nil || cmd.Name() == "logout" || cmd.Name() == "login" || cmd.Name() == "dial-stdio" {
		return
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := s.Reach(); err != nil {
			if cmd.Name() == "run" {
				return dockercli.StatusError{Cause: err, StatusCode: exitUsage}
			}
			return err
		}
		return run(cmd, args)
	}
}

// keepClouds lets the commands that write config.json leave in it what docker/cli does not know.
func keepClouds(s *session.Session, cmd *cobra.Command) {
	if run := cmd.RunE; cmd.Name() == "login" || cmd.Name() == "logout" {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			return clouds.Keep(s.Config.Directory, func() error { return run(cmd, args) })
		}
	}
}

// groupConstructors end the names of the library's functions that make its groups.
var groupConstructors = []string{".newContainerCommand", ".newImageCommand", ".newNetworkCommand", ".newSystemCommand", ".newVolumeCommand"}

// makesGroup reports whether a constructor is one of those. It is asked of before anything is made, so it has only a name to go by; one
// that it does not know is made in vain.
func makesGroup(constructor func(command.Cli) *cobra.Command) bool {
	name := runtime.FuncForPC(reflect.ValueOf(constructor).Pointer()).Name()
	return slices.ContainsFunc(groupConstructors, func(end string) bool { return strings.HasSuffix(name, end) })
}

// dockerCommands makes docker/cli's commands of that list, and, if they are wanted, its groups that stay available.
func dockerCommands(s *session.Session, withGroups bool) (verbs []*cobra.Command, groups map[string]*cobra.Command) {
	all := &cobra.Command{Use: "hyper"}
	for _, construct := range registered() {
		if !withGroups && makesGroup(construct) {
			continue
		}
		all.AddCommand(construct(s.Cli))
	}
	groups = map[string]*cobra.Command{}
	for _, cmd := range all.Commands() {
		name := cmd.Name()
		if short, ok := fromDocker[name]; ok {
			cmd.Short, cmd.Long, cmd.Hidden = short, "", false
			settle(s, cmd)
			verbs = append(verbs, cmd)
			continue
		}
		if short, ok := dockerGroups[name]; ok {
			cmd.Short, cmd.Long = short, ""
			for _, sub := range cmd.Commands() {
				settle(s, sub)
			}
			groups[name] = cmd
		}
	}
	all.RemoveCommand(all.Commands()...)
	return verbs, groups
}

// replace puts own commands in the places of a group's commands of the same names, and drops others.
func replace(group *cobra.Command, drop string, own ...*cobra.Command) *cobra.Command {
	names := map[string]bool{}
	for _, name := range strings.Fields(drop) {
		names[name] = true
	}
	for _, cmd := range own {
		names[cmd.Name()] = true
	}
	for _, cmd := range group.Commands() {
		if names[cmd.Name()] {
			group.RemoveCommand(cmd)
		}
	}
	group.AddCommand(own...)
	group.Hidden = true
	return group
}

// renamed is cmd under another name and with other names beside it.
func renamed(cmd *cobra.Command, name string, aliases ...string) *cobra.Command {
	_, arguments, _ := strings.Cut(cmd.Use, " ")
	cmd.Use, cmd.Aliases = strings.TrimSpace(name+" "+arguments), aliases
	return cmd
}

// flagTexts are Hyper's words where docker/cli's name Docker or mean something else, by flag.
var flagTexts = map[string]string{
	"expose":       "Expose a port or a range of ports",
	"format":       "Go template for the output",
	"health-cmd":   "Command that tells whether the container is well",
	"link":         "Link to another container, NAME[:ALIAS]",
	"publish":      "Publish a port, [PUBLIC:]PRIVATE[/PROTO]",
	"publish-all":  "Publish every exposed port under its own number",
	"pull":         "When to pull the image: always, missing, never",
	"restart":      "What to do when it exits: no, on-failure[:N], always, unless-stopped",
	"stop-timeout": "Seconds before a container that does not stop is killed",
	"volume":       "Mount a volume, [NAME:]PATH[:ro] or SOURCE:PATH",
	"volumes-from": "Mount all volumes of another container",
}

// reword replaces the texts of flags that docker/cli describes for another product.
func reword(cmd *cobra.Command) {
	_, kept := fromDocker[cmd.Name()]
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if text, ok := flagTexts[f.Name]; ok && (kept || strings.Contains(strings.ToLower(f.Usage), "docker")) {
			f.Usage = text
		}
		if f.Deprecated != "" {
			f.Hidden = true
		}
	})
}
