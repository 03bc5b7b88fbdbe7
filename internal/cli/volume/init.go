package volume

import (
	"fmt"
	"strings"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/internal/cli/fill"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

func initialize(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:   "init SOURCE:VOLUME [SOURCE:VOLUME...]",
		Short: "Fill new volumes from files, addresses or git repositories",
		Long: "Fill new volumes. A source is an absolute path on this machine, http://HOST/FILE or https://HOST/FILE for one file,\n" +
			"or a git repository: git://HOST/REPOSITORY or http(s)://HOST/REPOSITORY.git, and :BRANCH if another than its own is meant.",
		Args: cli.RequiresMinArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var fills []fill.Fill
			for _, arg := range args {
				i := strings.LastIndex(arg, ":")
				if i <= 0 || i == len(arg)-1 || strings.ContainsAny(arg[i+1:], `/\`) {
					return fmt.Errorf("%s does not match format SOURCE:VOLUME", arg)
				}
				fills = append(fills, fill.Fill{Source: arg[:i], Volume: arg[i+1:]})
			}
			return fill.Initialize(cmd.Context(), s, fills)
		},
	}
}
