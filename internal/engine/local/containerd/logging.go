package containerd

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"sync"

	"github.com/sirupsen/logrus"
)

// quiet sends what containerd logs to to, and nowhere else. containerd speaks to the process's own logrus logger, so this
// is set for the whole process; hyperd itself uses slog. What containerd finds worth a line is mostly of no interest to an operator:
// its errors become warnings, the rest is debugging.
func quiet(to *slog.Logger) {
	logrus.SetOutput(io.Discard)
	hooks := logrus.LevelHooks{}
	level := logrus.PanicLevel
	if to != nil {
		level = logrus.ErrorLevel
		if to.Enabled(context.Background(), slog.LevelDebug) {
			level = logrus.DebugLevel
		}
		hooks.Add(forward{to})
	}
	logrus.StandardLogger().ReplaceHooks(hooks)
	logrus.SetLevel(level)
	// containerd calls Fatal when one of its sockets fails, a socket that is closed before it was served among them. That
	// must not end hyperd: the line remains, as a warning.
	stay()
}

var stay = sync.OnceFunc(func() { logrus.StandardLogger().ExitFunc = func(int) {} })

// usual reports whether a line comes with every container that ends: the shim's log ends, and so does its directory, which our shim
// takes along (see cmd/containerd-shim-hyper-v2) and containerd then looks for.
func usual(e *logrus.Entry) bool {
	err, _ := e.Data[logrus.ErrorKey].(error)
	return e.Message == "copy shim log" || e.Message == "failed to delete dead shim" && errors.Is(err, fs.ErrNotExist)
}

// forward hands logrus's entries to slog.
type forward struct{ to *slog.Logger }

func (forward) Levels() []logrus.Level { return logrus.AllLevels }

func (f forward) Fire(e *logrus.Entry) error {
	level := slog.LevelDebug
	if e.Level <= logrus.ErrorLevel && !usual(e) {
		level = slog.LevelWarn
	}
	ctx := e.Context
	if ctx == nil {
		ctx = context.Background()
	}
	if !f.to.Enabled(ctx, level) {
		return nil
	}
	attrs := make([]slog.Attr, 0, len(e.Data)+1)
	attrs = append(attrs, slog.String("from", "containerd"))
	for k, v := range e.Data {
		attrs = append(attrs, slog.Any(k, v))
	}
	f.to.LogAttrs(ctx, level, e.Message, attrs...)
	return nil
}
