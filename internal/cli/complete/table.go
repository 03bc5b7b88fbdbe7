package complete

import (
	"strings"
	"time"

	"github.com/docker/cli/cli/command/completion"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/bill"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/hypercloud/hyper/internal/cli/usage"
)

// sizes are those of containers, with what they are.
var sizes = strings.Split("s1\t64 MB, 1 CPU;s2\t128 MB, 1 CPU;s3\t256 MB, 1 CPU;s4\t512 MB, 1 CPU;m1\t1 GB, 1 CPU;"+
	"m2\t2 GB, 2 CPUs;m3\t4 GB, 2 CPUs;l1\t4 GB, 4 CPUs;l2\t8 GB, 4 CPUs;l3\t16 GB, 8 CPUs", ";")

// files are the flags whose values are files or directories of this machine. What else takes a value, and has no line below, is offered nothing.
var files = strings.Fields("ca cidfile config dir env-file file input project-directory label-file output")

var containerFilters = strings.Fields("ancestor before exited health id label name network since status volume")

// arguments says what the arguments of a command are, by its path without "hyper". A command of a group that is also one by itself is not
// there twice.
func (o sources) arguments() map[string]cobra.CompletionFunc {
	every, free := func(types.FloatingIP) bool { return true }, types.FloatingIP.Free
	image, volume, snapshot, network, group := o.images(), o.volumes(), o.snapshots(), o.networks(), o.groups()
	return map[string]cobra.CompletionFunc{
		"attach":  in(o.containers(unpaused)),
		"commit":  in(o.containers(resting), image),
		"cp":      o.paths,
		"create":  withFiles(in(image)),
		"diff":    in(o.containers()),
		"exec":    withFiles(in(o.containers(unpaused))),
		"export":  in(o.containers()),
		"inspect": either(o.containers(), image),
		"kill":    o.containers(running),
		"logs":    in(o.containers()),
		"pause":   o.containers(unpaused),
		"port":    in(o.containers(running)),
		"rename":  in(o.containers()),
		"restart": o.containers(),
		"rm":      o.removable(),
		"run":     withFiles(in(image)),
		"start":   o.containers(resting),
		"stats":   o.containers(running),
		"stop":    o.containers(running),
		"top":     in(o.containers(running)),
		"unpause": o.containers(paused),
		"update":  o.containers(),
		"wait":    o.containers(running),

		"compose attach":  in(o.services()),
		"compose cp":      withFiles(in()),
		"compose create":  o.services(),
		"compose down":    o.services(),
		"compose events":  o.services(),
		"compose exec":    withFiles(in(o.services())),
		"compose images":  o.services(),
		"compose kill":    o.services(),
		"compose logs":    o.services(),
		"compose pause":   o.services(),
		"compose port":    in(o.services()),
		"compose ps":      o.services(),
		"compose pull":    o.services(),
		"compose restart": o.services(),
		"compose rm":      o.services(),
		"compose run":     withFiles(in(o.services())),
		"compose start":   o.services(),
		"compose stats":   in(o.services()),
		"compose stop":    o.services(),
		"compose top":     o.services(),
		"compose unpause": o.services(),
		"compose up":      o.services(),
		"compose wait":    o.services(),
		"compose watch":   o.services(),

		"history":           in(image),
		"images":            in(image),
		"pull":              in(image),
		"push":              in(image),
		"rmi":               image,
		"save":              image,
		"tag":               in(image, image),
		"container inspect": o.containers(),
		"image inspect":     image,
		"image ls":          in(image),
		"image rm":          image,

		"fip attach":  in(o.fips(every), o.containers(homeless)),
		"fip detach":  in(o.containers(addressed)),
		"fip name":    in(o.fips(every)),
		"fip release": o.fips(free),

		"network connect":    in(network, o.containers()),
		"network disconnect": in(network, o.containers()),
		"network inspect":    network,
		"network rm":         network,

		"sg inspect": in(group),
		"sg rm":      in(group),
		"sg update":  in(group),

		"snapshot inspect":     snapshot,
		"snapshot restore":     in(snapshot),
		"snapshot rm":          snapshot,
		"snapshot schedule rm": o.schedules(),

		"volume cp":      in(volume),
		"volume export":  in(volume),
		"volume import":  withFiles(in()),
		"volume init":    withFiles(in()),
		"volume inspect": volume,
		"volume resize":  in(volume, completion.FromList("20", "30", "40", "50")),
		"volume rm":      volume,

		"certificate rm": o.certificates(),
		"config":         in(o.addresses()),
		"credential rm":  o.credentials(),
		"token rm":       o.tokens(),

		"admin account disable":   o.accounts(),
		"admin account enable":    o.accounts(),
		"admin account inspect":   o.accounts(),
		"admin account quota":     then(o.accounts(), o.limits),
		"admin account rm":        o.accounts(),
		"admin credential create": in(o.accounts()),

		"admin bill":       in(o.accounts(), months),
		"admin bills":      in(months),
		"admin budget":     in(o.accounts()),
		"admin budget rm":  o.accounts(),
		"admin budget set": in(o.accounts()),
		"admin correct":    in(o.accounts()),
		"admin usage":      in(o.accounts()),
		"bill":             in(months),
	}
}

// flags says what the value of a flag is, of one command or of all that have it.
func (o sources) flags() map[string]cobra.CompletionFunc {
	boolean := completion.FromList("true", "false")
	return map[string]cobra.CompletionFunc{
		"--account":      o.accounts(),
		"--project-name": o.projects(),
		"--region":       o.regions(),

		"--by":                  completion.FromList(usage.Groupings...),
		"--since":               months,
		"--until":               months,
		"--format":              completion.FromList("json", "table", "raw"),
		"--log-level":           completion.FromList("debug", "info", "warn", "error", "fatal"),
		"--network":             o.networks(),
		"--protection":          boolean,
		"--sg":                  o.groups(),
		"--sg-add":              o.groups(),
		"--sg-rm":               o.groups(),
		"--snapshot":            o.snapshots(),
		"--volumes-from":        o.containers(),
		"compose run --volume":  o.mounts,
		"compose down --rmi":    completion.FromList("all", "local"),
		"compose up --pull":     completion.FromList("always", "missing", "never"),
		"container ls --filter": keys(containerFilters...),
		"create --size":         completion.FromList(sizes...),
		"create --volume":       o.mounts,
		"fip ls --filter":       completion.FromList("dangling=true", "dangling=false"),
		"images --filter":       keys("before", "dangling", "label", "reference", "since"),
		"inspect --type":        completion.FromList("container", "image"),
		"load --local":          cobra.NoFileCompletions,
		"network ls --filter":   keys("dangling", "driver", "id", "label", "name"),
		"ps --filter":           keys(containerFilters...),
		"run --size":            completion.FromList(sizes...),
		"run --volume":          o.mounts,
		"update --restart":      completion.FromList("no", "on-failure", "always", "unless-stopped"),

		"sg inspect --output":               completion.FromList("json", "yaml"),
		"snapshot create --volume":          o.volumes(),
		"snapshot ls --filter":              keys("dangling", "name", "volume"),
		"snapshot schedule create --volume": o.volumes(),
		"snapshot schedule rm --volume":     o.volumes(),
		"volume create --size":              completion.FromList("10", "20", "30", "40", "50"),
		"volume import --size":              completion.FromList("10", "20", "30", "40", "50"),
		"volume ls --filter":                keys("dangling", "label", "name"),
	}
}

// Register gives every command of the tree its completions. It is done when a shell asks, and at no other start.
func Register(s *session.Session, root *cobra.Command) {
	o := sources{s}
	arguments, flags := o.arguments(), o.flags()
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		path := strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), root.Name()), " ")
		if f := lookup(path, arguments); f != nil {
			cmd.ValidArgsFunction = f
		} else if cmd.ValidArgsFunction == nil && len(cmd.ValidArgs) == 0 && !cmd.HasSubCommands() {
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) { complete(cmd, path, f, flags) })
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(root)
}

func complete(cmd *cobra.Command, path string, f *pflag.Flag, flags map[string]cobra.CompletionFunc) {
	if f.NoOptDefVal != "" { // It takes no value.
		return
	}
	offer := lookup(path+" --"+f.Name, flags)
	if offer == nil {
		offer = flags["--"+f.Name]
	}
	if _, has := cmd.GetFlagCompletionFunc(f.Name); has && offer == nil {
		return
	}
	if offer == nil {
		offer = cobra.NoFileCompletions
		for _, name := range files {
			if f.Name == name {
				offer = completion.FileNames()
			}
		}
	}
	// There is one already where docker/cli made it, and the library keeps the first: what it does is good enough then.
	_ = cmd.RegisterFlagCompletionFunc(f.Name, offer)
}

// lookup finds the entry of a path, with or without the group that repeats commands.
func lookup(path string, table map[string]cobra.CompletionFunc) cobra.CompletionFunc {
	for _, group := range []string{"", "container ", "image "} {
		if f := table[strings.TrimPrefix(path, group)]; f != nil {
			return f
		}
	}
	return nil
}

// withFiles offers files where f has nothing to offer.
func withFiles(f cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		if all, directive := f(cmd, args, word); len(all) > 0 {
			return all, directive
		}
		return nil, cobra.ShellCompDirectiveDefault
	}
}

// then offers for the first argument what first does, and for all others what rest does.
func then(first, rest cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return first(cmd, args, word)
		}
		return rest(cmd, args, word)
	}
}

// keys offers the names of filters, whose values are the user's.
func keys(of ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return completion.WithSuffix("=", of), nothingMore | cobra.ShellCompDirectiveNoSpace
	}
}

// months offers the last twelve, the newest first.
func months(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return bill.Last(time.Now(), 12), nothingMore | cobra.ShellCompDirectiveKeepOrder
}

// mounts offers volumes with a colon, in front of the path that they are mounted at; a path of this machine is a source.
func (o sources) mounts(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	if strings.ContainsAny(word, ":/") {
		return nil, cobra.ShellCompDirectiveDefault
	}
	all, _ := o.volumes()(cmd, nil, word)
	return completion.WithSuffix(":", all), nothingMore | cobra.ShellCompDirectiveNoSpace
}
