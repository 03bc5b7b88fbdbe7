package compose

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// lines writes what containers say, each line after the container's name, all names padded to the longest (cli 13).
type lines struct {
	out, err io.Writer
	plain    bool // without names
	colour   bool
	stamped  bool

	mu    sync.Mutex
	width int
	hues  map[string]int
	held  []func() // what came before it was to be shown
	hold  bool
}

// hues are the colours that names are given in turn.
var hues = []string{"36", "33", "32", "35", "34", "96", "93", "92", "95", "94"}

func newLines(out, err io.Writer, colour bool) *lines {
	return &lines{out: out, err: err, colour: colour, hues: map[string]int{}}
}

// expect makes room for names before their first lines.
func (l *lines) expect(names ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range names {
		l.width = max(l.width, len(n))
	}
}

// release shows what was held back, and from now on everything at once.
func (l *lines) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hold = false
	for _, write := range l.held {
		write()
	}
	l.held = nil
}

// Log writes what a container says on its standard output.
func (l *lines) Log(name, message string) { l.write(l.out, name, message) }

// Err writes what a container says on its standard error.
func (l *lines) Err(name, message string) { l.write(l.err, name, message) }

// Status writes what becomes of a container.
func (l *lines) Status(name, message string) {
	l.later(func() { fmt.Fprintf(l.out, "%s %s\n", name, message) })
}

func (l *lines) write(w io.Writer, name, message string) {
	at := time.Now()
	l.later(func() {
		prefix := l.prefix(name)
		if l.stamped {
			prefix += at.UTC().Format(time.RFC3339Nano) + " "
		}
		for line := range strings.SplitSeq(message, "\n") {
			fmt.Fprintf(w, "%s%s\n", prefix, line)
		}
	})
}

// later writes now, or when all is released.
func (l *lines) later(write func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hold {
		l.held = append(l.held, write)
		return
	}
	write()
}

func (l *lines) prefix(name string) string {
	if l.plain {
		return ""
	}
	name = strings.TrimPrefix(name, "#") // The library's own lines are by "#watch".
	l.width = max(l.width, len(name))
	text := fmt.Sprintf("%-*s | ", l.width, name)
	if !l.colour {
		return text
	}
	if _, known := l.hues[name]; !known {
		l.hues[name] = len(l.hues)
	}
	return "\x1b[" + hues[l.hues[name]%len(hues)] + "m" + text + "\x1b[0m"
}
