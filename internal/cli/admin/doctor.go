package admin

import (
	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/internal/cli/diagnosis"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func doctor(s *session.Session) *cobra.Command {
	var mend bool
	style := diagnosis.Style{Mend: "hyper admin doctor --mend"}
	cmd := &cobra.Command{
		Use:   "doctor [OPTIONS]",
		Short: "Compare the machine with what hyperd made of it, and mend it",
		Long: "Look at the machine and at each account's network, containers and volumes, and say what is not as hyperd's records say. What\n" +
			"drifted is repaired by --mend: connections that are allowed go on. The exit code is 0 when all is well, and 1 when it is not.",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := style.Check(); err != nil {
				return err
			}
			ask := s.Hyper.Doctor
			if mend {
				ask = s.Hyper.DoctorMend
			}
			r, err := ask(cmd.Context())
			if err != nil {
				return err
			}
			if err := style.Write(s.Out(), r); err != nil {
				return err
			}
			if !r.Well {
				return cli.StatusError{StatusCode: 1}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&mend, "mend", false, "Repair what drifted")
	cmd.Flags().StringVar(&style.Format, "format", "", diagnosis.FormatHelp)
	cmd.Flags().BoolVarP(&style.Quiet, "quiet", "q", false, diagnosis.QuietHelp)
	cmd.Flags().SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "fix" {
			name = "mend"
		}
		return pflag.NormalizedName(name)
	})
	return cmd
}
