package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hypercloud/hyper/api/client"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/diagnosis"
	"github.com/hypercloud/hyper/internal/engine/local"
)

// errUnwell ends hyperd doctor with 1; what is wrong has been said.
var errUnwell = errors.New("not all is well")

// doctorCommand asks the hyperd that runs: its records and locks are its own. Without one it looks at what hyperd needs to start.
func doctorCommand(c *config, setup func() error) *cobra.Command {
	var mend bool
	style := diagnosis.Style{Mend: "hyperd doctor --mend"}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Compare the machine with what hyperd made of it, and mend it",
		Long: "doctor asks the hyperd of this --run-dir to compare the machine with its records, and says what drifted or is wrong; --mend repairs\n" +
			"what drifted. When no hyperd runs, it looks whether one could. The exit code is 0 when all is well, and 1 when it is not.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := errors.Join(style.Check(), setup()); err != nil {
				return err
			}
			return examine(cmd.Context(), cmd.OutOrStdout(), *c, style, mend)
		},
	}
	cmd.Flags().BoolVar(&mend, "mend", false, "repair what drifted")
	cmd.Flags().StringVar(&style.Format, "format", "", diagnosis.FormatHelp)
	cmd.Flags().BoolVarP(&style.Quiet, "quiet", "q", false, diagnosis.QuietHelp)
	return cmd
}

func examine(ctx context.Context, w io.Writer, c config, style diagnosis.Style, mend bool) error {
	r, err := askDaemon(ctx, c, mend)
	switch {
	case client.IsConnectionFailed(err):
		r = types.DoctorReport{Checks: []types.DoctorCheck{
			{Name: "hyperd", Findings: []types.DoctorFinding{{Kind: "problem", Text: fmt.Sprintf("no hyperd serves at %s: containers that run go on, and nothing can be compared or mended until it is started", socketOf(c))}}},
			needs(c),
		}}
	case err != nil:
		return err
	}
	if err := style.Write(w, r); err != nil {
		return err
	}
	if !r.Well {
		return errUnwell
	}
	return nil
}

func askDaemon(ctx context.Context, c config, mend bool) (types.DoctorReport, error) {
	daemon, err := client.New(socketOf(c))
	if err != nil {
		return types.DoctorReport{}, err
	}
	if mend {
		return daemon.DoctorMend(ctx)
	}
	return daemon.Doctor(ctx)
}

// socketOf is where a running hyperd of this configuration knows root as its operator.
func socketOf(c config) string {
	for _, h := range c.Hosts {
		if strings.HasPrefix(h, "unix://") {
			return h
		}
	}
	return client.DefaultHost
}

// needs is the check of what a hyperd has to find on the machine.
func needs(c config) types.DoctorCheck {
	out := types.DoctorCheck{Name: "programs", Findings: []types.DoctorFinding{}}
	for _, text := range local.Missing(c.Libexec) {
		out.Findings = append(out.Findings, types.DoctorFinding{Kind: "problem", Text: text})
	}
	return out
}
