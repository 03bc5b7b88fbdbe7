// Package complete says what a shell may offer for a word of a command line: names of what the account has, asked of the server, and the
// values of flags. Without a server there is simply nothing to offer.
//
// names.go has where names come from, table.go which command and which flag takes which.
package complete

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/docker/cli/cli/command/completion"
	"github.com/moby/moby/api/types/container"
	"github.com/spf13/cobra"

	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/clouds"
	"github.com/hypercloud/hyper/internal/cli/session"
)

const nothingMore = cobra.ShellCompDirectiveNoFileComp

// names offers what a call lists, less what is there already.
func names(list func(ctx context.Context) ([]string, error)) cobra.CompletionFunc {
	return completion.Unique(func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		all, err := list(cmd.Context())
		if err != nil {
			return nil, nothingMore
		}
		return all, nothingMore
	})
}

// in offers for the first argument what the first of the functions does, and so on; beyond the last there is nothing.
func in(positions ...cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= len(positions) {
			return nil, nothingMore
		}
		return positions[len(args)](cmd, nil, word)
	}
}

// either offers what one function does, and what the other does.
func either(a, b cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		some, _ := a(cmd, args, word)
		more, _ := b(cmd, args, word)
		return append(some, more...), nothingMore
	}
}

// sources are where names come from.
type sources struct{ s *session.Session }

func (o sources) containers(are ...func(container.Summary) bool) cobra.CompletionFunc {
	return quietly(completion.ContainerNames(o.s.Cli, true, are...))
}

func (o sources) images() cobra.CompletionFunc { return quietly(completion.ImageNames(o.s.Cli, -1)) }

func (o sources) volumes() cobra.CompletionFunc { return quietly(completion.VolumeNames(o.s.Cli)) }

func (o sources) networks() cobra.CompletionFunc { return quietly(completion.NetworkNames(o.s.Cli)) }

// quietly makes an error no error: the shell goes on as if there were nothing.
func quietly(f cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		all, directive := f(cmd, args, word)
		if directive == cobra.ShellCompDirectiveError {
			return nil, nothingMore
		}
		return all, directive
	}
}

// What containers are, for commands that make sense with some of them only.
var (
	running = func(c container.Summary) bool {
		return c.State == container.StateRunning || c.State == container.StatePaused
	}
	unpaused  = func(c container.Summary) bool { return c.State == container.StateRunning }
	paused    = func(c container.Summary) bool { return c.State == container.StatePaused }
	resting   = func(c container.Summary) bool { return !running(c) }
	addressed = func(c container.Summary) bool { return c.Labels[types.LabelFloatingIP] != "" }
	homeless  = func(c container.Summary) bool { return running(c) && !addressed(c) }
)

// removable are the containers that rm would take, which with --force are all.
func (o sources) removable() cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		if force, _ := cmd.Flags().GetBool("force"); force {
			return o.containers()(cmd, args, word)
		}
		return o.containers(resting)(cmd, args, word)
	}
}

// paths offers containers with a colon, in front of a path in them, and files of this machine.
func (o sources) paths(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 1 || strings.ContainsAny(word, ":/.") {
		return nil, cobra.ShellCompDirectiveDefault
	}
	all, _ := o.containers()(cmd, nil, word)
	return completion.WithSuffix(":", all), cobra.ShellCompDirectiveNoSpace
}

// fips offers floating IPs, by address and by name.
func (o sources) fips(are func(types.FloatingIP) bool) cobra.CompletionFunc {
	return names(func(ctx context.Context) ([]string, error) {
		list, err := o.s.Hyper.FIPList(ctx, nil)
		var all []string
		for _, f := range list {
			if !are(f) {
				continue
			}
			all = append(all, f.Address)
			if f.Name != "" {
				all = append(all, f.Name)
			}
		}
		return all, err
	})
}

func (o sources) snapshots() cobra.CompletionFunc {
	return names(func(ctx context.Context) ([]string, error) {
		list, err := o.s.Hyper.SnapshotList(ctx, nil)
		return each(list, func(s types.Snapshot) string { return s.Name }), err
	})
}

func (o sources) schedules() cobra.CompletionFunc {
	return completion.Unique(func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		list, err := o.s.Hyper.ScheduleList(cmd.Context())
		if err != nil {
			return nil, nothingMore
		}
		volume, _ := cmd.Flags().GetString("volume")
		list = slices.DeleteFunc(list, func(s types.Schedule) bool { return volume != "" && s.Volume != volume })
		return each(list, func(s types.Schedule) string { return s.Name }), nothingMore
	})
}

func (o sources) groups() cobra.CompletionFunc {
	return names(func(ctx context.Context) ([]string, error) {
		list, err := o.s.Hyper.SecurityGroupList(ctx)
		return each(list, func(g types.SecurityGroup) string { return g.Name }), err
	})
}

func (o sources) credentials() cobra.CompletionFunc {
	return names(func(ctx context.Context) ([]string, error) {
		list, err := o.s.Hyper.CredentialList(ctx)
		return each(list, func(c types.Credential) string { return c.Access }), err
	})
}

func (o sources) tokens() cobra.CompletionFunc {
	return names(func(ctx context.Context) ([]string, error) {
		list, err := o.s.Hyper.TokenList(ctx)
		return each(list, func(t types.Token) string { return t.Name }), err
	})
}

func (o sources) certificates() cobra.CompletionFunc {
	return names(func(ctx context.Context) ([]string, error) {
		list, err := o.s.Hyper.CertificateList(ctx)
		return each(list, func(c types.Certificate) string { return c.Serial }), err
	})
}

func (o sources) accounts() cobra.CompletionFunc {
	return names(func(ctx context.Context) ([]string, error) {
		list, err := o.s.Hyper.AccountList(ctx)
		return each(list, func(a types.Account) string { return a.Name }), err
	})
}

// limits offers the resources that an account has a limit of, which the first argument names.
func (o sources) limits(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	list, err := o.s.Hyper.AccountQuotas(cmd.Context(), args[0])
	if err != nil {
		return nil, nothingMore
	}
	return each(list, func(q types.Quota) string { return q.Resource + "=" }), nothingMore | cobra.ShellCompDirectiveNoSpace
}

// addresses offers the servers that config.json knows.
func (o sources) addresses() cobra.CompletionFunc {
	return names(func(context.Context) ([]string, error) {
		file, err := clouds.Load(o.s.Config.Directory)
		if err != nil {
			return nil, err
		}
		return slices.Sorted(maps.Keys(file.Clouds)), nil
	})
}

// regions offers what --region may say of them.
func (o sources) regions() cobra.CompletionFunc {
	return names(func(context.Context) ([]string, error) {
		file, err := clouds.Load(o.s.Config.Directory)
		if err != nil {
			return nil, err
		}
		var all []string
		for address, e := range file.Clouds {
			all = append(all, e.Names...)
			if strings.Contains(address, "*") { // a server in each region
				all = append(all, e.Region)
			} else {
				all = append(all, address)
			}
		}
		slices.Sort(all)
		return slices.DeleteFunc(slices.Compact(all), func(n string) bool { return n == "" }), nil
	})
}

func each[T any](list []T, name func(T) string) []string {
	all := make([]string, 0, len(list))
	for _, one := range list {
		all = append(all, name(one))
	}
	return all
}
