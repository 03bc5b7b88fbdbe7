package fip

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/internal/cli/prices"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

// Prompt is the question before anything that costs by the month is allocated. Scripts look for its ending, on standard output; the price is said
// before it, on standard error.
const Prompt = "Floating IPs are billed by the month, from allocation to release, and a month that has begun counts whole. Continue? [y/n]: "

func allocate(s *session.Session) *cobra.Command {
	var pick, yes bool
	cmd := &cobra.Command{
		Use:   "allocate [OPTIONS] COUNT",
		Short: "Allocate floating IPs",
		Args:  cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			count, err := strconv.Atoi(args[0])
			if err != nil || count < 1 {
				return fmt.Errorf("%q is not a number of floating IPs: give 1 or more", args[0])
			}
			if pick {
				address, err := free(cmd, s)
				if err != nil {
					return err
				}
				if address != "" {
					fmt.Fprintln(s.Out(), address)
					return nil
				}
			}
			if !yes {
				prices.FloatingIP(cmd.Context(), s.Hyper, s.Err())
				agreed, err := Confirm(cmd.Context(), s.Cli.In(), s.Out())
				if err != nil || !agreed {
					return err
				}
			}
			addresses, err := s.Hyper.FIPAllocate(cmd.Context(), count)
			if err != nil {
				return err
			}
			for _, a := range addresses {
				fmt.Fprintln(s.Out(), a)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVar(&pick, "pick", false, "Print one that is not in use, if there is one, and allocate nothing")
	f.BoolVarP(&yes, "yes", "y", false, "Do not ask")
	return cmd
}

func free(cmd *cobra.Command, s *session.Session) (string, error) {
	fips, err := s.Hyper.FIPList(cmd.Context(), nil)
	if err != nil {
		return "", err
	}
	for _, f := range fips {
		if f.Free() {
			return f.Address, nil
		}
	}
	return "", nil
}

// Confirm asks until it gets a yes or a no. The end of the input is neither, and an error.
func Confirm(ctx context.Context, in io.Reader, out io.Writer) (bool, error) {
	type answer struct {
		line string
		err  error
	}
	lines := bufio.NewReader(in)
	for {
		fmt.Fprint(out, Prompt)
		answers := make(chan answer, 1)
		go func() { // A read of a terminal cannot be interrupted, waiting for it can.
			line, err := lines.ReadString('\n')
			answers <- answer{line, err}
		}()
		var a answer
		select {
		case <-ctx.Done():
			fmt.Fprintln(out)
			return false, ctx.Err()
		case a = <-answers:
		}
		switch strings.ToLower(strings.TrimSpace(a.line)) {
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
		if a.err != nil {
			fmt.Fprintln(out)
			return false, errors.New("nothing was allocated: the question was not answered (use -y to allocate without one)")
		}
	}
}
