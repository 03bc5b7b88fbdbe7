package container

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hypercloud/hyper/internal/cli/human"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/session"
	dockerclient "github.com/moby/moby/client"
	"github.com/spf13/cobra"
)

// Times of stats: how often the screen is drawn, and how often a list without names looks for new containers.
const (
	statsRedraw = 500 * time.Millisecond
	statsLook   = 2 * time.Second
)

type statsOptions struct {
	all, noStream, noTrunc bool
	format                 string
}

// Stats shows what containers use, again and again until interrupted.
func Stats(s *session.Session) *cobra.Command {
	var o statsOptions
	cmd := &cobra.Command{
		Use:   "stats [OPTIONS] [CONTAINER...]",
		Short: "Show what containers use, live",
		RunE: func(cmd *cobra.Command, names []string) error {
			w := &statsWatch{session: s, options: o, board: newBoard()}
			if o.noStream {
				return w.once(cmd.Context(), names)
			}
			return w.live(cmd.Context(), names)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&o.all, "all", "a", false, "Show stopped containers too")
	f.StringVar(&o.format, "format", "", listing.FormatHelp)
	f.BoolVar(&o.noStream, "no-stream", false, "Show one measurement and stop")
	f.BoolVar(&o.noTrunc, "no-trunc", false, "Show whole identifiers")
	return cmd
}

type statsWatch struct {
	session *session.Session
	options statsOptions
	board   *board
}

func (w *statsWatch) once(ctx context.Context, names []string) error {
	targets, err := w.targets(ctx, names)
	if err != nil {
		return err
	}
	ends := make(chan error, len(targets))
	for _, t := range targets {
		w.board.add(t.label)
		go func() { ends <- w.follow(ctx, t, false) }()
	}
	var failed []error
	for range targets {
		if err := <-ends; err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) < len(targets) || len(targets) == 0 {
		if err := w.draw(); err != nil {
			return err
		}
	}
	return errors.Join(failed...)
}

// live redraws until the caller's context ends, or until no container that was named is left.
func (w *statsWatch) live(ctx context.Context, names []string) error {
	type end struct {
		name string
		err  error
	}
	ends := make(chan end)
	following := map[string]bool{}
	look := func() error {
		targets, err := w.targets(ctx, names)
		if err != nil {
			return err
		}
		for _, t := range targets {
			if following[t.name] {
				continue
			}
			following[t.name] = true
			w.board.add(t.label)
			go func() {
				err := w.follow(ctx, t, true)
				select {
				case ends <- end{t.name, err}:
				case <-ctx.Done():
				}
			}()
		}
		return nil
	}
	if err := look(); err != nil {
		return err
	}
	redraw, again := time.NewTicker(statsRedraw), time.NewTicker(statsLook)
	defer redraw.Stop()
	defer again.Stop()
	var failed []error
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
			if len(names) > 0 {
				continue
			}
			if err := look(); err != nil {
				return err
			}
		case e := <-ends:
			delete(following, e.name)
			if len(names) == 0 {
				continue // It has stopped; the next look tells.
			}
			if e.err != nil {
				failed = append(failed, e.err)
			}
			if len(following) == 0 {
				return errors.Join(failed...)
			}
		case <-redraw.C:
			if !w.board.ready() {
				continue
			}
			if w.session.Cli.Out().IsTerminal() {
				fmt.Fprint(w.session.Out(), "\033[2J\033[H")
			}
			if err := w.draw(); err != nil {
				return err
			}
		}
	}
}

// target is a container to follow and what the table calls it.
type target struct{ name, label string }

// targets are the containers that were named, called as the user typed them, else all that run, by short identifier.
func (w *statsWatch) targets(ctx context.Context, names []string) ([]target, error) {
	var targets []target
	for _, n := range names {
		if t := (target{n, n}); !slices.Contains(targets, t) {
			targets = append(targets, t)
		}
	}
	if len(names) > 0 {
		return targets, nil
	}
	found, err := w.session.Docker().ContainerList(ctx, dockerclient.ContainerListOptions{All: w.options.all})
	if err != nil {
		return nil, err
	}
	for _, c := range found.Items {
		t := target{c.ID, human.ShortID(c.ID)}
		if w.options.noTrunc {
			t.label = c.ID
		}
		targets = append(targets, t)
	}
	return targets, nil
}

func (w *statsWatch) draw() error {
	l := listing.Listing{
		Default: "{{.Container}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}",
		Quiet:   "{{.Container}}",
		Headers: map[string]string{
			"Container": "CONTAINER", "CPUPerc": "CPU %", "MemUsage": "MEM USAGE / LIMIT", "MemPerc": "MEM %",
			"NetIO": "NET I/O", "BlockIO": "BLOCK I/O", "PIDs": "PIDS", "ID": "CONTAINER ID", "Name": "NAME",
		},
	}
	rows := w.board.rows()
	for i, r := range rows {
		rows[i].Name = strings.TrimPrefix(r.Name, "/")
	}
	return listing.Write(w.session.Out(), l, w.options.format, false, rows)
}
