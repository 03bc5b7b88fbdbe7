package docker

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// The types of streamed output. Clients below 1.42 know only the first.
const (
	rawStream         = "application/vnd.docker.raw-stream"
	multiplexedStream = "application/vnd.docker.multiplexed-stream"
)

func streamType(ctx context.Context, tty bool) string {
	if tty || rest.Before(ctx, 42) {
		return rawStream
	}
	return multiplexedStream
}

// outputs are where a container's stdout and stderr go: framed, or both as they are when it has a terminal.
func outputs(w io.Writer, tty bool) (stdout, stderr io.Writer) {
	if tty {
		return w, w
	}
	f := rest.NewFrames(w)
	return f.Stream(rest.FrameStdout), f.Stream(rest.FrameStderr)
}

func (api *API) logs(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	c, err := api.Containers.Get(a, r.PathValue("name"))
	if err != nil {
		return err
	}
	opts, err := logOptions(r)
	if err != nil {
		return err
	}
	if !opts.Stdout && !opts.Stderr {
		return oops.Invalid("Bad parameters: you must choose at least one stream")
	}
	rest.Begin(w, streamType(ctx, c.Spec.Tty))
	body := rest.NewLazyFlusher(w)
	defer body.Close()
	stdout, stderr := outputs(body, c.Spec.Tty)
	stamped, detailed := rest.Bool(r, "timestamps"), rest.Bool(r, "details")
	lines := map[string]*logWriter{"stdout": {w: stdout, stamped: stamped, detailed: detailed}, "stderr": {w: stderr, stamped: stamped, detailed: detailed}}
	err = api.Containers.Logs(ctx, a, c.ID, opts, func(e engine.LogEntry) error {
		out, ok := lines[e.Stream]
		if !ok {
			return nil
		}
		return out.write(e)
	})
	if err != nil && ctx.Err() == nil {
		_, _ = io.WriteString(stderr, "reading the output of the container: "+err.Error()+"\n")
	}
	return nil
}

func logOptions(r *http.Request) (engine.LogOptions, error) {
	since, err := rest.Time(r, "since")
	if err != nil {
		return engine.LogOptions{}, err
	}
	until, err := rest.Time(r, "until")
	if err != nil {
		return engine.LogOptions{}, err
	}
	return engine.LogOptions{
		Follow: rest.Bool(r, "follow"), Since: since, Until: until, Tail: tail(r.Form.Get("tail")),
		Stdout: rest.Bool(r, "stdout"), Stderr: rest.Bool(r, "stderr"),
	}, nil
}

// tail reads how many lines are wanted; whatever is no number means all (api 6.1).
func tail(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// stamp has nine digits always, so that columns align.
const stamp = "2006-01-02T15:04:05.000000000Z07:00"

// logWriter writes the entries of one stream, with a time before each line but not before the rest of one. Details would be what log
// options add to each line; there are none, and a blank is where they would end.
type logWriter struct {
	w                 io.Writer
	stamped, detailed bool
	midLine           bool
}

func (l *logWriter) write(e engine.LogEntry) error {
	line := e.Line
	if l.detailed && !l.midLine {
		line = append([]byte(" "), line...)
	}
	if l.stamped && !l.midLine {
		line = append([]byte(e.Time.UTC().Format(stamp)+" "), line...)
	}
	l.midLine = len(e.Line) > 0 && e.Line[len(e.Line)-1] != '\n'
	_, err := l.w.Write(line)
	return err
}
