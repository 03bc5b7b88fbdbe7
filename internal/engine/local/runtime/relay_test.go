package runtime

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/logfile"
)

// A relay that is cut off anywhere is continued by another: every line is in the log once, in order.
func TestRelayIsCutOff(t *testing.T) {
	const first, second = "one\ntwo\nthree\nfo", "ur\nfive"
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	move := func(r *relay) []byte {
		must(r.move())
		p, err := r.peek()
		must(err)
		return p
	}
	at := time.Unix(1, 2)
	mark := func(r *relay, p []byte) { must(r.setMark(at.UnixNano(), len(p))) }
	logs := func(r *relay, p []byte, n int) {
		lines, _ := logfile.Lines(p)
		must(r.log.Write(stdoutName, at, lines[:n]...))
	}
	for name, upTo := range map[string]func(*relay){
		"before anything": func(*relay) {},
		"when moved":      func(r *relay) { move(r) },
		"when marked":     func(r *relay) { mark(r, move(r)) },
		"when half logged": func(r *relay) {
			p := move(r)
			mark(r, p)
			logs(r, p, 2)
		},
		"when logged": func(r *relay) {
			p := move(r)
			mark(r, p)
			logs(r, p, 3)
		},
		"when taken out": func(r *relay) {
			p := move(r)
			mark(r, p)
			logs(r, p, 3)
			_, err := io.ReadFull(r.unlogged, p[:len(p)-2])
			must(err)
		},
		"when done": func(r *relay) { must(r.logged(move(r), false)) },
		"when a part was logged": func(r *relay) {
			p := move(r)
			mark(r, p)
			logs(r, p, 3)
			must(r.log.Write(stdoutName, at, p[len(p)-2:]))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, stdoutName)
			must(unix.Mkfifo(path, 0o600))
			shim, err := os.OpenFile(path, os.O_RDWR, 0)
			must(err)
			open := func() *relay {
				log, err := logfile.Open(filepath.Join(dir, "log"), 3, 0)
				must(err)
				r, err := openRelay(path, stdoutName, filepath.Join(dir, "log"), log)
				must(err)
				return r
			}
			r := open()
			held, err := openInput(path + unloggedSuffix) // as the shim does
			must(err)
			defer held.Close()
			_, err = shim.WriteString(first)
			must(err)
			upTo(r)
			r.close()
			must(r.log.Close())

			r = open()
			_, err = shim.WriteString(second)
			must(err)
			must(shim.Close())
			r.run(func([]byte) {})
			var got strings.Builder
			err = logfile.Read(t.Context(), filepath.Join(dir, "log"), r.log, engine.LogOptions{Tail: -1, Stdout: true}, func(e engine.LogEntry) error {
				got.Write(e.Line)
				return nil
			})
			must(err)
			if got.String() != first+second {
				t.Errorf("the log has %q", got.String())
			}
		})
	}
}

// Output that comes byte by byte and does not end its line fills the kernel's buffers long before it fills the pipe.
func TestRelayOfSingleBytes(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, stdoutName)
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	shim, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	log, err := logfile.Open(dir, 3, 0)
	if err != nil {
		t.Fatal(err)
	}
	r, err := openRelay(path, stdoutName, dir, log)
	if err != nil {
		t.Fatal(err)
	}
	const n = 5000
	seen := make(chan int, n)
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.run(func(p []byte) { seen <- len(p) })
	}()
	for range n {
		if _, err := shim.Write([]byte{'x'}); err != nil {
			t.Fatal(err)
		}
		for have := 0; have == 0; {
			select {
			case have = <-seen:
			case <-time.After(10 * time.Second):
				t.Fatal("it stands still")
			}
		}
	}
	if err := shim.Close(); err != nil {
		t.Fatal(err)
	}
	<-done
	got := 0
	if err := logfile.Read(t.Context(), dir, log, engine.LogOptions{Tail: -1, Stdout: true}, func(e engine.LogEntry) error { got += len(e.Line); return nil }); err != nil || got != n {
		t.Errorf("%d bytes, %v", got, err)
	}
}
