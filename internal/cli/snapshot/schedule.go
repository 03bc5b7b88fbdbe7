package snapshot

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/docker/cli/cli"
	"github.com/spf13/cobra"

	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/session"
)

func schedule(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schedule COMMAND",
		Short: "Have snapshots taken by themselves",
	}
	cmd.AddCommand(addSchedule(s), listSchedules(s), removeSchedule(s))
	return cmd
}

func addSchedule(s *session.Session) *cobra.Command {
	var (
		plan  types.Schedule
		every string
	)
	cmd := &cobra.Command{
		Use:   "create --volume VOLUME --every TIME --keep N NAME",
		Short: "Have a snapshot of a volume taken every so often",
		Long:  "Has a snapshot of a volume taken every TIME (90m, 6h, 1d, 1w), whether a container has it or not, and keeps the newest N of them.",
		Args:  cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if plan.Volume == "" || every == "" {
				return errors.New("name the volume by --volume, and how often by --every")
			}
			d, err := duration(every)
			if err != nil {
				return err
			}
			plan.Name, plan.Every = args[0], int64(d/time.Second)
			if err := s.Hyper.ScheduleCreate(cmd.Context(), plan); err != nil {
				return err
			}
			fmt.Fprintln(s.Out(), plan.Name)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVarP(&plan.Volume, "volume", "v", "", "Volume that snapshots are taken of")
	f.StringVar(&every, "every", "", "Time from one to the next: a number and m, h, d or w")
	f.IntVar(&plan.Keep, "keep", 7, "How many of them are kept")
	return cmd
}

// duration reads what time.ParseDuration does, and days and weeks.
func duration(s string) (time.Duration, error) {
	for unit, size := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if n, ok := strings.CutSuffix(s, unit); ok {
			if days, err := strconv.ParseUint(n, 10, 16); err == nil {
				return time.Duration(days) * size, nil
			}
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time: give a number and m, h, d or w, such as 6h", s)
	}
	return d, nil
}

var scheduleListing = listing.Listing{
	Default: "{{.Name}}\t{{.Volume}}\t{{.Every}}\t{{.Keep}}\t{{.Snapshots}}\t{{.Next}}",
	Raw:     "name: {{.Name}}\nvolume: {{.Volume}}\nevery: {{.Every}}\nkeep: {{.Keep}}\nsnapshots: {{.Snapshots}}\nnext: {{.Next}}\n",
	Quiet:   "{{.Volume}} {{.Name}}",
	Headers: map[string]string{"Name": "Schedule", "Volume": "Volume", "Every": "Every", "Keep": "Keep", "Snapshots": "Snapshots", "Next": "Next"},
}

type scheduleRow struct{ Name, Volume, Every, Keep, Snapshots, Next string }

func listSchedules(s *session.Session) *cobra.Command {
	var (
		format string
		quiet  bool
	)
	cmd := &cobra.Command{
		Use:     "ls [OPTIONS]",
		Aliases: []string{"list"},
		Short:   "List schedules",
		Args:    cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := s.Hyper.ScheduleList(cmd.Context())
			if err != nil {
				return err
			}
			rows := make([]scheduleRow, 0, len(list))
			for _, p := range list {
				every := strings.TrimSuffix(strings.TrimSuffix((time.Duration(p.Every)*time.Second).String(), "0s"), "0m")
				rows = append(rows, scheduleRow{p.Name, p.Volume, every, strconv.Itoa(p.Keep), strconv.Itoa(p.Snapshots), p.Next})
			}
			return listing.Write(s.Out(), scheduleListing, format, quiet, rows)
		},
	}
	f := cmd.Flags()
	f.StringVar(&format, "format", "", listing.FormatHelp)
	f.BoolVarP(&quiet, "quiet", "q", false, "Show only volumes and names")
	return cmd
}

func removeSchedule(s *session.Session) *cobra.Command {
	var volume string
	cmd := &cobra.Command{
		Use:     "rm --volume VOLUME NAME [NAME...]",
		Aliases: []string{"remove"},
		Short:   "End schedules; the snapshots that they took stay",
		Args:    cli.RequiresMinArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			if volume == "" {
				return errors.New("name the volume by --volume")
			}
			var failed []error
			for _, name := range names {
				if err := s.Hyper.ScheduleRemove(cmd.Context(), volume, name); err != nil {
					failed = append(failed, err)
					continue
				}
				fmt.Fprintln(s.Out(), name)
			}
			return errors.Join(failed...)
		},
	}
	cmd.Flags().StringVarP(&volume, "volume", "v", "", "Volume that they are of")
	return cmd
}
