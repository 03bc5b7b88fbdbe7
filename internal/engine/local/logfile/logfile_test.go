package logfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/engine"
)

var epoch = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func open(t *testing.T, dir string, files int, size int64) *Writer {
	t.Helper()
	w, err := Open(dir, files, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

// write puts numbered lines into a log, one a second.
func write(t *testing.T, w *Writer, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		stream := "stdout"
		if i%3 == 2 {
			stream = "stderr"
		}
		if err := w.Write(stream, epoch.Add(time.Duration(i)*time.Second), fmt.Appendf(nil, "line %d\n", i)); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, dir string, w *Writer, opts engine.LogOptions) string {
	t.Helper()
	var out strings.Builder
	err := Read(t.Context(), dir, w, opts, func(e engine.LogEntry) error {
		fmt.Fprintf(&out, "%s:%s", e.Stream, e.Line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func numbered(from, to int) string {
	var out strings.Builder
	for i := from; i < to; i++ {
		stream := "stdout"
		if i%3 == 2 {
			stream = "stderr"
		}
		fmt.Fprintf(&out, "%s:line %d\n", stream, i)
	}
	return out.String()
}

var everything = engine.LogOptions{Tail: -1, Stdout: true, Stderr: true}

func TestReadPicks(t *testing.T) {
	dir := t.TempDir()
	write(t, open(t, dir, 3, 0), 0, 9)
	for _, c := range []struct {
		name string
		opts engine.LogOptions
		want string
	}{
		{"everything", everything, numbered(0, 9)},
		{"stdout", engine.LogOptions{Tail: -1, Stdout: true}, "stdout:line 0\nstdout:line 1\nstdout:line 3\nstdout:line 4\nstdout:line 6\nstdout:line 7\n"},
		{"stderr", engine.LogOptions{Tail: -1, Stderr: true}, "stderr:line 2\nstderr:line 5\nstderr:line 8\n"},
		{"since", engine.LogOptions{Tail: -1, Stdout: true, Stderr: true, Since: epoch.Add(6 * time.Second)}, numbered(6, 9)},
		{"until", engine.LogOptions{Tail: -1, Stdout: true, Stderr: true, Until: epoch.Add(2 * time.Second)}, numbered(0, 3)},
		{"tail", engine.LogOptions{Tail: 2, Stdout: true, Stderr: true}, numbered(7, 9)},
		{"tail of one stream", engine.LogOptions{Tail: 2, Stderr: true}, "stderr:line 5\nstderr:line 8\n"},
		{"tail before until", engine.LogOptions{Tail: 2, Stdout: true, Stderr: true, Until: epoch.Add(4 * time.Second)}, numbered(3, 5)},
		{"tail longer than the log", engine.LogOptions{Tail: 100, Stdout: true, Stderr: true}, numbered(0, 9)},
		{"tail bounded by since", engine.LogOptions{Tail: 5, Stdout: true, Stderr: true, Since: epoch.Add(7 * time.Second)}, numbered(7, 9)},
		{"no line", engine.LogOptions{Tail: 0, Stdout: true, Stderr: true}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := read(t, dir, nil, c.opts); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

func TestReadOfALogThatIsNot(t *testing.T) {
	if got := read(t, filepath.Join(t.TempDir(), "absent"), nil, everything); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestEntriesKeepTheirBytes(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "hello\n", "hello\n"},
		{"quotes", "say \"hi\" \\ <b>&\n", "say \"hi\" \\ <b>&\n"},
		{"controls", "\x1b[31mred\x00\t\r\n", "\x1b[31mred\x00\t\r\n"},
		{"text", "grüße, \u4e16\u754c 🚀\n", "grüße, \u4e16\u754c 🚀\n"},
		{"line separators", "a\u2028b\u2029c\n", "a\u2028b\u2029c\n"},
		{"bytes that are no text", "a\xff\xfeb\n", "a\ufffd\ufffdb\n"},
		{"no newline", "prompt> ", "prompt> "},
		{"empty line", "\n", "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, ok := parse(appendEntry(nil, "stdout", []byte(c.in), epoch))
			if !ok || string(e.Line) != c.want || !e.Time.Equal(epoch) {
				t.Errorf("got %q %v %v", e.Line, e.Time, ok)
			}
		})
	}
}

func TestRotationKeepsTheNewest(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir, 3, minSize)
	write(t, w, 0, 1000)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	var total int64
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > minSize {
			t.Errorf("%s has %d bytes", e.Name(), info.Size())
		}
		total += info.Size()
	}
	got := read(t, dir, w, everything)
	if !strings.HasSuffix(numbered(0, 1000), got) || total < 2*minSize {
		t.Errorf("%d bytes, of the log:\n%.200s", total, got)
	}
	if got := read(t, dir, w, engine.LogOptions{Tail: 60, Stdout: true, Stderr: true}); got != numbered(940, 1000) {
		t.Errorf("tail over files:\n%s", got)
	}
}

func TestOneFileOnly(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir, 1, minSize)
	write(t, w, 0, 500)
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%d files", len(entries))
	}
	if got := read(t, dir, w, everything); got == "" || !strings.HasSuffix(numbered(0, 500), got) {
		t.Errorf("got %q", got)
	}
}

func TestTheNextWriterAppends(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir, 3, 0)
	write(t, w, 0, 4)
	w.Close()
	if err := w.Write("stdout", epoch, []byte("late\n")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
	write(t, open(t, dir, 3, 0), 4, 7)
	if got := read(t, dir, nil, everything); got != numbered(0, 7) {
		t.Errorf("got\n%s", got)
	}
}

func TestATornLineIsPassedOver(t *testing.T) {
	for _, torn := range []string{`{"log":"half`, "\x00\x00\x00\x00", `{"log":"x\n","stream":"stdout","time":"2030-01-02T03:04:05Z"}`} {
		dir := t.TempDir()
		w := open(t, dir, 3, 0)
		write(t, w, 0, 2)
		w.Close()
		f, err := os.OpenFile(name(dir, 0), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(torn); err != nil {
			t.Fatal(err)
		}
		f.Close()
		for _, tail := range []int{-1, 10} {
			if got := read(t, dir, nil, engine.LogOptions{Tail: tail, Stdout: true, Stderr: true}); got != numbered(0, 2) {
				t.Errorf("before the next writer, tail %d:\n%s", tail, got)
			}
		}
		write(t, open(t, dir, 3, 0), 2, 4)
		got := strings.ReplaceAll(read(t, dir, nil, everything), "stdout:x\n", "") // a line that lacked only its end is whole
		if got != numbered(0, 4) {
			t.Errorf("after:\n%s", got)
		}
	}
}

func TestAGapLeftByARotationCutOff(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir, 5, minSize)
	write(t, w, 0, 400)
	w.Close()
	whole := read(t, dir, nil, everything)
	for n := 4; n > 1; n-- { // .1 has become .2 and nothing has become .1 yet
		if err := os.Rename(name(dir, n-1), name(dir, n)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	if got := read(t, dir, nil, everything); got == "" || !strings.HasSuffix(whole, got) || !strings.Contains(got, "line 399\n") {
		t.Errorf("got\n%.300s", got)
	}
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 2*MaxLine+5)
	for _, c := range []struct {
		name string
		in   []string
		want []string
	}{
		{"lines in one read", []string{"a\nb\n"}, []string{"a\n", "b\n"}},
		{"a line over reads", []string{"he", "ll", "o\nw", "orld\n"}, []string{"hello\n", "world\n"}},
		{"the last without an end", []string{"a\nb"}, []string{"a\n", "b"}},
		{"a long line", []string{long + "\nshort\n"}, []string{long[:MaxLine], long[:MaxLine], long[:5] + "\n", "short\n"}},
		{"a line of exactly the bound", []string{long[:MaxLine-1] + "\n"}, []string{long[:MaxLine-1] + "\n"}},
		{"a character is not cut", []string{long[:MaxLine-1] + "ü\n"}, []string{long[:MaxLine-1], "ü\n"}},
		{"bytes are cut anywhere", []string{strings.Repeat("\x80", MaxLine+1)}, []string{strings.Repeat("\ufffd", MaxLine), "\ufffd"}},
		{"empty lines", []string{"\n\n"}, []string{"\n", "\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			w := open(t, dir, 3, 0)
			var buf []byte
			for _, p := range c.in {
				buf = append(buf, p...)
				lines, rest := Lines(buf)
				_ = w.Write("stdout", epoch, lines...)
				buf = append([]byte(nil), buf[len(buf)-rest:]...)
			}
			if len(buf) > 0 {
				_ = w.Write("stdout", epoch, buf)
			}
			var got []string
			if err := Read(t.Context(), dir, w, everything, func(e engine.LogEntry) error { got = append(got, string(e.Line)); return nil }); err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got %d parts, %.80q", len(got), got)
			}
		})
	}
}

func TestFollowOverRotations(t *testing.T) {
	for _, tail := range []int{-1, 0, 5} {
		t.Run(fmt.Sprint("tail ", tail), func(t *testing.T) {
			dir := t.TempDir()
			w := open(t, dir, 50, minSize)
			write(t, w, 0, 100)
			var mu sync.Mutex
			var out bytes.Buffer
			done := make(chan error, 1)
			began := make(chan struct{})
			go func() {
				first := true
				opts := engine.LogOptions{Follow: true, Tail: tail, Stdout: true, Stderr: true}
				done <- Read(t.Context(), dir, w, opts, func(e engine.LogEntry) error {
					if first {
						close(began)
						first = false
					}
					mu.Lock()
					defer mu.Unlock()
					fmt.Fprintf(&out, "%s:%s", e.Stream, e.Line)
					return nil
				})
			}()
			from := 100
			if tail != 0 {
				<-began
			} else {
				time.Sleep(50 * time.Millisecond)
			}
			write(t, w, 100, 1000)
			w.Close()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if tail < 0 {
				from = 0
			} else {
				from -= tail
			}
			if out.String() != numbered(from, 1000) {
				t.Errorf("%d bytes instead of %d", out.Len(), len(numbered(from, 1000)))
			}
		})
	}
}

func TestFollowEndsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir, 3, 0)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	err := Read(ctx, dir, w, engine.LogOptions{Follow: true, Tail: -1, Stdout: true}, func(engine.LogEntry) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestFollowEndsAtUntil(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir, 3, 0)
	opts := engine.LogOptions{Follow: true, Tail: -1, Stdout: true, Until: time.Now().Add(30 * time.Millisecond)}
	if err := Read(t.Context(), dir, w, opts, func(engine.LogEntry) error { return nil }); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestAReaderThatIsOvertaken(t *testing.T) {
	// What rotation has deleted is lost to a slow reader; what is there comes in order.
	dir := t.TempDir()
	w := open(t, dir, 2, minSize)
	write(t, w, 0, 10)
	step := make(chan struct{})
	var got []string
	done := make(chan error, 1)
	go func() {
		done <- Read(t.Context(), dir, w, engine.LogOptions{Follow: true, Tail: -1, Stdout: true, Stderr: true}, func(e engine.LogEntry) error {
			if len(got) == 0 {
				<-step
			}
			got = append(got, string(e.Line))
			return nil
		})
	}()
	write(t, w, 10, 2000)
	close(step)
	w.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got[len(got)-1] != "line 1999\n" {
		t.Errorf("last is %q", got[len(got)-1])
	}
	last := -1
	for _, l := range got {
		var n int
		if _, err := fmt.Sscanf(l, "line %d", &n); err != nil || n <= last {
			t.Fatalf("%q after line %d", l, last)
		}
		last = n
	}
}

func BenchmarkWrite(b *testing.B) {
	w, err := Open(b.TempDir(), 10, 5_000_000)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	block := []byte(strings.Repeat(strings.Repeat("a line of a log ", 5)+"\n", 400))
	b.SetBytes(int64(len(block)))
	for b.Loop() {
		lines, _ := Lines(block)
		_ = w.Write("stdout", epoch, lines...)
	}
}

func BenchmarkTailOfFiftyMegabytes(b *testing.B) {
	dir := b.TempDir()
	w, err := Open(dir, 10, 5_000_000)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	for range 400 {
		_ = w.Write("stdout", epoch, bytes.Split(bytes.Repeat([]byte(strings.Repeat("x", 100)+"\n"), 1000), []byte("\n"))...)
	}
	for b.Loop() {
		if err := Read(b.Context(), dir, w, engine.LogOptions{Tail: 100, Stdout: true}, func(engine.LogEntry) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
