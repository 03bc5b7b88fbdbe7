package compose

import (
	"github.com/docker/cli/cli"
	"github.com/docker/compose/v5/pkg/api"
	"github.com/spf13/cobra"
)

func (p *project) exec() *cobra.Command {
	var o api.RunOptions
	var noTTY bool
	var env list
	cmd := &cobra.Command{
		Use:   "exec [OPTIONS] SERVICE COMMAND [ARG...]",
		Short: "Run a command in a service's container",
		Args:  cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := p.living(cmd.Context(), args[:1])
			if err != nil {
				return err
			}
			o.Service, o.Command, o.Environment = args[0], args[1:], env
			o.Tty = !noTTY && p.session.Cli.In().IsTerminal() && p.session.Cli.Out().IsTerminal()
			o.Interactive = !o.Detach
			code, err := l.backend.Exec(cmd.Context(), l.name, o)
			if code != 0 {
				return cli.StatusError{StatusCode: code}
			}
			return err
		},
	}
	f := cmd.Flags()
	f.SetInterspersed(false)
	f.BoolVarP(&o.Detach, "detach", "d", false, "Do not wait for its end")
	f.VarP(&env, "env", "e", "Environment variable, NAME=VALUE")
	f.IntVar(&o.Index, "index", 0, "Number of the container, of a service that has several")
	f.BoolVarP(&noTTY, "no-TTY", "T", false, "Give it no terminal")
	f.StringVarP(&o.User, "user", "u", "", "User that it runs as")
	f.StringVarP(&o.WorkingDir, "workdir", "w", "", "Directory that it runs in")
	return p.common(cmd)
}

func (p *project) attach() *cobra.Command {
	var o api.AttachOptions
	cmd := &cobra.Command{
		Use:   "attach [OPTIONS] SERVICE",
		Short: "Attach to the input and output of a service's container",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := p.living(cmd.Context(), args)
			if err != nil {
				return err
			}
			o.Service = args[0]
			return l.backend.Attach(cmd.Context(), l.name, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.DetachKeys, "detach-keys", "", "Keys that detach")
	f.IntVar(&o.Index, "index", 0, "Number of the container, of a service that has several")
	f.BoolVar(&o.NoStdin, "no-stdin", false, "Do not attach to its input")
	f.BoolVar(&o.Proxy, "sig-proxy", true, "Pass signals on to it")
	return p.common(cmd)
}
