package config

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/docker/cli/cli/streams"
	"golang.org/x/sys/unix"
)

// terminal is the two ends of a new terminal: what a person has before them, and what the program has.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

func TestTheSecretIsNotShownWhileItIsTyped(t *testing.T) {
	person, program := terminal(t)
	in := streams.NewIn(program)
	q := &questions{ctx: t.Context(), in: in, out: program, lines: bufio.NewReader(in)}
	answers := make(chan string, 2)
	go func() {
		for _, hidden := range []bool{false, true} {
			answer, err := q.ask("Enter", "", hidden)
			if err != nil {
				t.Error(err)
			}
			answers <- answer
		}
	}()
	var seen strings.Builder
	enter := func(text string, prompts int) {
		for strings.Count(seen.String(), "Enter: ") < prompts {
			b := make([]byte, 256)
			n, err := person.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			seen.Write(b[:n])
		}
		waitForEcho(t, program, prompts == 1)
		fmt.Fprintln(person, text)
	}
	enter("AKEXAMPLE", 1)
	if got := <-answers; got != "AKEXAMPLE" {
		t.Errorf("read %q", got)
	}
	enter("s3cr3t", 2)
	if got := <-answers; got != "s3cr3t" {
		t.Errorf("read %q", got)
	}
	waitForEcho(t, program, true) // As it was before.
	b := make([]byte, 256)
	n, _ := person.Read(b)
	seen.Write(b[:n])
	if text := seen.String(); !strings.Contains(text, "AKEXAMPLE") || strings.Contains(text, "s3cr3t") {
		t.Errorf("the terminal shows %q", text)
	}
}

func waitForEcho(t *testing.T, terminal *os.File, on bool) {
	t.Helper()
	for range 500 {
		state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		if state.Lflag&unix.ECHO != 0 == on {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the terminal's echo is not %v", on)
}
