package container

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/streams"
	"github.com/docker/cli/opts"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/image"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// defaultSize is the size of a container for which --size names none.
const defaultSize = "s4"

type createOptions struct {
	size, protection string
	groups           []string
	noAutoVolume     bool
	dryRun           bool
}

// Extend adds to docker/cli's run or create what Hyper has: sizes, security groups, protection, its own reading of
// -p, and images that are missing "in the current region".
func Extend(s *session.Session, docker *cobra.Command) *cobra.Command {
	var o createOptions
	f := docker.Flags()
	f.BoolVar(&o.dryRun, "dry-run", false, "Make nothing, and show what it would cost")
	f.BoolVar(&o.noAutoVolume, "noauto-volume", false, "Make no volumes for the image's VOLUME paths")
	f.StringVar(&o.protection, "protection", "", "Protect against removal: true or false")
	f.StringArrayVar(&o.groups, "sg", nil, "Join a security group")
	f.StringVar(&o.size, "size", defaultSize, "Size: s1 s2 s3 s4 m1 m2 m3 l1 l2 l3")
	hideExcept(f, createFlags)

	run := docker.RunE
	docker.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.prepare(cmd, args); err != nil {
			return err
		}
		if o.dryRun {
			return estimate(cmd, s, args, run)
		}
		if err := bringImages(s, cmd.Flags()); err != nil {
			return err
		}
		volumes := sources{s: s}
		if err := volumes.bring(cmd.Context(), cmd.Flags()); err != nil {
			return cli.StatusError{Cause: err, StatusCode: 125, Status: "hyper: " + err.Error()}
		}
		err := run(cmd, args)
		if !s.Created() {
			volumes.discard(cmd.Context())
		}
		return err
	}
	return docker
}

// createFlags are the flags that help shows; docker/cli's others are taken, and answered by the server.
var createFlags = strings.Fields(`attach cidfile detach dry-run entrypoint env env-file expose health-cmd health-interval
	health-retries health-start-period health-timeout hostname interactive ip label label-file link name network network-alias no-healthcheck
	noauto-volume protection publish publish-all pull quiet restart rm sg size stop-signal stop-timeout tty user volume
	volumes-from workdir`)

func hideExcept(f *pflag.FlagSet, shown []string) {
	keep := map[string]bool{}
	for _, name := range shown {
		keep[name] = true
	}
	f.VisitAll(func(flag *pflag.Flag) {
		if !keep[flag.Name] {
			flag.Hidden = true
		}
	})
}

// prepare checks the flags and puts Hyper's into the forms that Docker's API has for them.
func (o *createOptions) prepare(cmd *cobra.Command, args []string) error {
	f := cmd.Flags()
	if err := o.conflicts(f); err != nil {
		return err
	}
	protect, err := o.protected()
	if err != nil {
		return refused(cmd, err)
	}
	if _, err := reference.ParseAnyReference(args[0]); err != nil {
		return refused(cmd, fmt.Errorf("Error parsing reference: %q is not a valid repository/tag: %w", args[0], err))
	}
	if err := rewriteList(f, "publish", publish); err != nil {
		return refused(cmd, err)
	}
	if err := rewriteList(f, "expose", exposed); err != nil {
		return refused(cmd, err)
	}
	if name, domain, ok := strings.Cut(value(f, "hostname"), "."); ok && name != "" && !f.Changed("domainname") {
		if err := setAll(f, "hostname", name, "domainname", domain); err != nil {
			return refused(cmd, err)
		}
	}
	if err := o.setLabels(f, protect); err != nil {
		return refused(cmd, err)
	}
	// The platform is the server's; an environment variable of Docker's says nothing about it.
	if !f.Changed("platform") {
		return f.Lookup("platform").Value.Set("")
	}
	return nil
}

// conflicts are combinations that make no sense. They are found before anything is created.
func (o *createOptions) conflicts(f *pflag.FlagSet) error {
	remove := f.Lookup("rm") != nil && value(f, "rm") == "true"
	restart, count, _ := strings.Cut(value(f, "restart"), ":")
	switch {
	case f.Lookup("detach") != nil && value(f, "detach") == "true" && f.Changed("attach"):
		return errors.New("Conflicting options: -a and -d")
	case remove && restart != "" && restart != "no":
		return errors.New("Conflicting options: --restart and --rm")
	case remove && isTrue(o.protection):
		return errors.New("Conflicting options: --rm and --protection")
	}
	switch restart {
	case "", "no", "always", "unless-stopped":
		if count != "" {
			return fmt.Errorf("maximum restart count not valid with restart policy of %q", restart)
		}
	case "on-failure":
		if n, err := strconv.Atoi(count); count != "" && (err != nil || n < 0) {
			return fmt.Errorf("invalid restart policy %s", value(f, "restart"))
		}
	default:
		return fmt.Errorf("invalid restart policy %s", value(f, "restart"))
	}
	return nil
}

func (o *createOptions) protected() (bool, error) {
	if o.protection == "" {
		return false, nil
	}
	protect, err := strconv.ParseBool(o.protection)
	if err != nil {
		return false, fmt.Errorf("Parse flag protection failed: %q is neither true nor false", o.protection)
	}
	return protect, nil
}

func isTrue(s string) bool {
	b, err := strconv.ParseBool(s)
	return err == nil && b
}

// setLabels asks for Hyper's options by the platform's labels. A label of the same name that the user gave stands
// where the flag says nothing.
func (o *createOptions) setLabels(f *pflag.FlagSet, protect bool) error {
	labels := f.Lookup("label").Value.(*opts.ListOpts)
	given := map[string]bool{}
	for _, l := range labels.GetSlice() {
		name, _, _ := strings.Cut(l, "=")
		given[name] = true
	}
	var add []string
	if f.Changed("size") || !given[types.LabelSize] {
		add = append(add, types.LabelSize+"="+o.size)
	}
	for _, g := range o.groups {
		add = append(add, types.LabelSecurityGroup+g+"=yes")
	}
	if o.noAutoVolume {
		add = append(add, types.LabelNoAutoVolume+"=true")
	}
	if protect {
		add = append(add, types.LabelProtection+"=true")
	}
	for _, l := range add {
		if err := f.Set("label", l); err != nil {
			return err
		}
	}
	return nil
}

// rewriteList replaces every value of a list flag by what rewrite makes of it.
func rewriteList(f *pflag.FlagSet, name string, rewrite func(string) (string, error)) error {
	values := f.Lookup(name).Value.(*opts.ListOpts).GetSlice() // The flag's own, not a copy.
	for i, v := range values {
		r, err := rewrite(v)
		if err != nil {
			return err
		}
		values[i] = r
	}
	return nil
}

func exposed(spec string) (string, error) {
	if strings.Contains(spec, ":") {
		return "", fmt.Errorf("Invalid port format for --expose: %s", spec)
	}
	return spec, nil
}

func value(f *pflag.FlagSet, name string) string { return f.Lookup(name).Value.String() }

func setAll(f *pflag.FlagSet, pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if err := f.Set(pairs[i], pairs[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// bringImages takes the pulling of images over from docker/cli: the message names the region, and a log gets lines
// instead of progress.
func bringImages(s *session.Session, f *pflag.FlagSet) error {
	policy, quiet := value(f, "pull"), value(f, "quiet") == "true"
	if policy != "missing" && policy != "always" {
		return nil // "never", or a mistake that docker/cli reports.
	}
	s.BringImages(session.ImageSource{
		Always: policy == "always",
		Bring: func(ctx context.Context, name string) error {
			var out *streams.Out
			if !quiet {
				out = s.Cli.Err()
			}
			if policy == "missing" && !quiet {
				fmt.Fprintf(s.Err(), "Unable to find image '%s' in the current region\n", withTag(name))
			}
			return image.Bring(ctx, s, name, out)
		},
	})
	return f.Set("pull", "never")
}

func withTag(name string) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return name
	}
	return reference.FamiliarString(reference.TagNameOnly(named))
}

// refused is an error in what was asked for: nothing was created.
func refused(cmd *cobra.Command, err error) error {
	return cli.StatusError{
		Cause: err, StatusCode: 125,
		Status: fmt.Sprintf("hyper: %s.\nSee '%s --help'.", strings.TrimSuffix(err.Error(), "."), cmd.CommandPath()),
	}
}
