package e2e

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// A table of invocations has groups of lines:
//
//	== NAME                     begins a group: both daemons have nothing but the image busybox then
//	$ COMMAND                   prepares: it must succeed with both
//	COMMAND                     is compared
//	  ~ REASON                  after a command: the whole answer differs on purpose
//	  ~ .PATH .PATH: REASON     after a command whose output is JSON: what is at these paths and below differs on purpose
//
// With ~? for ~ it differs here, and need not elsewhere: it depends on the machine, the client or the version of Docker.
//
// A command is a line for a shell, in a directory of the group's own, where docker is the client of the daemon in question. Lines that begin
// with # are comments.
type group struct {
	name  string
	lines []*invocation
}

type invocation struct {
	at      int // line of the file
	command string
	setUp   bool
	differs string            // why the whole answer does; "": it does not
	maybe   bool              // it need not
	paths   map[string]string // JSON paths to the reasons why what is there does
	used    map[string]bool   // paths where something did
}

func readTable(name string) ([]*group, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var groups []*group
	var last *invocation
	in := bufio.NewScanner(f)
	for at := 1; in.Scan(); at++ {
		line := strings.TrimSpace(in.Text())
		bad := func(why string) error { return fmt.Errorf("%s:%d: %s: %s", name, at, why, line) }
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "== "):
			groups = append(groups, &group{name: line[3:]})
			last = nil
		case strings.HasPrefix(line, "~"):
			if last == nil || last.setUp {
				return nil, bad("this reason follows no command that is compared")
			}
			if err := last.reason(line); err != nil {
				return nil, bad(err.Error())
			}
		case len(groups) == 0:
			return nil, bad("this command is in no group")
		default:
			command, setUp := strings.CutPrefix(line, "$ ")
			last = &invocation{at: at, command: command, setUp: setUp, paths: map[string]string{}, used: map[string]bool{}}
			g := groups[len(groups)-1]
			g.lines = append(g.lines, last)
		}
	}
	return groups, in.Err()
}

func (i *invocation) reason(line string) error {
	mark, text, _ := strings.Cut(line, " ")
	if !strings.HasPrefix(text, ".") && !strings.HasPrefix(text, "[].") {
		i.differs, i.maybe = text, mark == "~?"
		return nil
	}
	paths, why, ok := strings.Cut(text, ": ")
	if !ok {
		return fmt.Errorf("paths need a reason after a colon")
	}
	for _, p := range strings.Fields(paths) {
		i.paths[p], i.used[p] = why, mark == "~?"
	}
	return nil
}
