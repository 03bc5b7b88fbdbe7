package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// numbered is what is wrong with the log of a container that wrote the numbers from 1 to last, a line each; "" is nothing.
func numbered(log string, last int) string {
	lines := strings.Split(strings.TrimSuffix(log, "\n"), "\n")
	for i, l := range lines {
		if l != fmt.Sprint(i+1) {
			return fmt.Sprintf("line %d is %q", i+1, l)
		}
	}
	if len(lines) != last {
		return fmt.Sprintf("%d lines of %d", len(lines), last)
	}
	return ""
}

// TestOutputWhileKilledOften ends hyperd by SIGKILL again and again while it reads what a container writes.
func TestOutputWhileKilledOften(t *testing.T) {
	const last = 300000
	l := newLab(t, "e2et")
	hyper(t, l, "run", "-d", "--name", "often", "busybox", "sh", "-c", fmt.Sprintf("for i in $(seq 0 99); do seq $((i*3000+1)) $(((i+1)*3000)); sleep 0.1; done; echo %d", last+1))
	for i := range 10 {
		time.Sleep(time.Duration(300+70*i) * time.Millisecond)
		if err := l.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := l.Start(); err != nil {
			t.Fatal(err)
		}
	}
	if code := strings.TrimSpace(hyper(t, l, "wait", "often")); code != "0" {
		t.Errorf("it ended with %s", code)
	}
	if wrong := numbered(hyper(t, l, "logs", "often"), last+1); wrong != "" {
		t.Error(wrong)
	}
	hyper(t, l, "rm", "often")
}

// TestOutputWhileKilled ends hyperd by SIGKILL while containers write. Whether they end before the next hyperd is there, or wait for it
// because their pipe is full, every line is in their logs once.
func TestOutputWhileKilled(t *testing.T) {
	l := newLab(t, "e2eo")
	for _, c := range []struct {
		name, script string
		last         int
	}{
		{"ends", "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); echo $i; done", 30000},
		{"blocks", "seq 1 5; sleep 2; seq 6 400000", 400000},  // some 2.7 MB
		{"half", "printf '1\n2'; sleep 2; printf '\n3\n'", 3}, // it is away in the middle of a line
	} {
		t.Run(c.name, func(t *testing.T) {
			hyper(t, l, "run", "-d", "--name", c.name, "busybox", "sh", "-c", c.script)
			pid := strings.TrimSpace(hyper(t, l, "inspect", "-f", "{{.State.Pid}}", c.name))
			eventually(t, "it writes", func() string {
				if hyper(t, l, "logs", "--tail", "1", c.name) == "" {
					return "nothing is there"
				}
				return ""
			})
			if err := l.Kill(); err != nil {
				t.Fatal(err)
			}
			ended := func() bool { return l.Command(t.Context(), "test", "-d", "/proc/"+pid).Run() != nil }
			if c.name == "blocks" {
				time.Sleep(4 * time.Second)
				if ended() {
					t.Fatal("it has ended, and should have had no room for its output")
				}
			} else {
				eventually(t, "it ends while hyperd is away", func() string {
					if !ended() {
						return "it runs"
					}
					return ""
				})
			}
			if err := l.Start(); err != nil {
				t.Fatal(err)
			}
			if code := strings.TrimSpace(hyper(t, l, "wait", c.name)); code != "0" {
				t.Errorf("it ended with %s", code)
			}
			if wrong := numbered(hyper(t, l, "logs", c.name), c.last); wrong != "" {
				t.Error(wrong)
			}
			hyper(t, l, "rm", c.name)
		})
	}
}
