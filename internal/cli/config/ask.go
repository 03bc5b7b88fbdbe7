package config

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/docker/cli/cli/streams"
	"github.com/hypercloud/hyper/internal/cli/clouds"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/moby/term"
)

// ask fills the entry from the flags, and asks for what they do not give. Nothing in answer to a question keeps what
// is stored.
func ask(ctx context.Context, s *session.Session, e *clouds.Entry, o options) error {
	q := &questions{ctx: ctx, in: s.Cli.In(), out: s.Out(), lines: bufio.NewReader(s.Cli.In())}
	if e.Region == "" {
		e.Region = clouds.DefaultRegion
	}
	for _, part := range []struct {
		into             *string
		flag, text, have string
		hidden           bool
	}{
		{into: &e.AccessKey, flag: o.access, text: "Enter Access Key", have: e.AccessKey},
		{into: &e.SecretKey, flag: o.secret, text: "Enter Secret Key", have: strings.Repeat("*", min(len(e.SecretKey), 8)), hidden: true},
		{into: &e.Region, flag: o.region, text: "Enter Default Region", have: e.Region},
	} {
		answer := part.flag
		if answer == "" {
			var err error
			if answer, err = q.ask(part.text, part.have, part.hidden); err != nil {
				return err
			}
		}
		if answer != "" {
			*part.into = answer
		}
	}
	if e.AccessKey == "" || e.SecretKey == "" {
		return errNoKey
	}
	return nil
}

type questions struct {
	ctx   context.Context
	in    *streams.In
	out   io.Writer
	lines *bufio.Reader // One for all: answers that are not typed come in one piece.
}

// ask returns what was typed, without the spaces around it; the end of the input is an empty answer.
func (q *questions) ask(text, have string, hidden bool) (string, error) {
	if have != "" {
		text += " (" + have + ")"
	}
	fmt.Fprint(q.out, text+": ")
	if hidden && q.in.IsTerminal() {
		state, err := term.SaveState(q.in.FD())
		if err != nil {
			return "", fmt.Errorf("hide the secret key while it is typed: %w", err)
		}
		defer func() {
			term.RestoreTerminal(q.in.FD(), state)
			fmt.Fprintln(q.out) // The line end was not shown either.
		}()
		if err := term.DisableEcho(q.in.FD(), state); err != nil {
			return "", fmt.Errorf("hide the secret key while it is typed: %w", err)
		}
	}
	line := make(chan string, 1)
	failed := make(chan error, 1)
	go func() { // A read of a terminal cannot be interrupted, waiting for it can.
		answer, err := q.lines.ReadString('\n')
		if err != nil && err != io.EOF {
			failed <- err
			return
		}
		line <- strings.TrimSpace(answer)
	}()
	select {
	case <-q.ctx.Done():
		return "", q.ctx.Err()
	case err := <-failed:
		return "", fmt.Errorf("read the answer: %w", err)
	case answer := <-line:
		return answer, nil
	}
}
