package runtime

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/engine"
)

func TestAttachBeforeTheStartGetsEverything(t *testing.T) {
	c := container(t, "sh", "-c", "echo first; echo second >&2; seq 1 20000 | tail -1")
	var out, errs buffer
	done := make(chan error, 1)
	go func() {
		done <- c.r.Attach(t.Context(), c.a, c.id, engine.Streams{Stdout: &out, Stderr: &errs}, false)
	}()
	eventually(t, "it is attached", func() bool {
		h := c.r.present(keyOf(c.a, c.id))
		if h == nil {
			return false
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.attached) == 1
	})
	c.start()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if out.String() != "first\n20000\n" || errs.String() != "second\n" {
		t.Errorf("got %q and %q", out.String(), errs.String())
	}
	c.wait()
}

func TestAttachEndsWhenTheStartFails(t *testing.T) {
	for name, change := range map[string]func(*engine.RunSpec){
		"no command":  func(s *engine.RunSpec) { s.Args = []string{"foo"} },
		"before runc": func(s *engine.RunSpec) { s.User = "nobodyhere" },
	} {
		t.Run(name, func(t *testing.T) {
			c := container(t, "true")
			change(&c.spec)
			done := make(chan error, 1)
			go func() { done <- c.r.Attach(t.Context(), c.a, c.id, engine.Streams{Stdout: io.Discard}, false) }()
			eventually(t, "it is attached", func() bool { return c.r.present(keyOf(c.a, c.id)) != nil })
			if _, err := c.r.StartContainer(t.Context(), c.a, c.spec, nil); err == nil {
				t.Fatal("it started")
			}
			select {
			case <-done:
			case <-time.After(5 * time.Second):
				t.Error("it is still attached")
			}
		})
	}
}

func TestAttachEndsWithItsContext(t *testing.T) {
	c := container(t, "true")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.r.Attach(ctx, c.a, c.id, engine.Streams{Stdout: io.Discard}, false) }()
	eventually(t, "it is attached", func() bool { return c.r.present(keyOf(c.a, c.id)) != nil })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if c.r.present(keyOf(c.a, c.id)) != nil {
		t.Error("the streams of a container that nobody started are kept")
	}
}

func TestStdin(t *testing.T) {
	big := strings.Repeat("0123456789abcde\n", 40_000) // more than any pipe on the way holds
	for _, c := range []struct {
		name, in string
		want     string
	}{{"a line", "hello\n", "6\n"}, {"nothing", "", "0\n"}, {"much", big, "640000\n"}} {
		t.Run(c.name, func(t *testing.T) {
			s := container(t, "wc", "-c")
			s.spec.OpenStdin = true
			var out buffer
			done := make(chan error, 1)
			go func() {
				done <- s.r.Attach(t.Context(), s.a, s.id, engine.Streams{Stdin: strings.NewReader(c.in), Stdout: &out}, true)
			}()
			s.start()
			select {
			case err := <-done:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("stdin did not end")
			}
			if out.String() != c.want {
				t.Errorf("got %q", out.String())
			}
			s.wait()
		})
	}
}

func TestStdinStaysOpenForTheNextClient(t *testing.T) {
	c := container(t, "sh", "-c", "read a; read b; echo $a-$b")
	c.spec.OpenStdin = true
	c.start()
	ctx, cancel := context.WithCancel(t.Context())
	in, w := io.Pipe()
	first := make(chan error, 1)
	go func() { first <- c.r.Attach(ctx, c.a, c.id, engine.Streams{Stdin: in}, false) }()
	if _, err := w.Write([]byte("one\n")); err != nil {
		t.Fatal(err)
	}
	w.Close()
	time.Sleep(50 * time.Millisecond)
	cancel()
	<-first
	if err := c.r.Attach(t.Context(), c.a, c.id, engine.Streams{Stdin: strings.NewReader("two\n")}, false); err != nil {
		t.Error(err)
	}
	c.wait()
	if out := c.logs("stdout"); out != "one-two\n" {
		t.Errorf("got %q", out)
	}
}

func TestASlowClientGetsAllAndHoldsUpNeitherLogNorExit(t *testing.T) {
	c := container(t, "sh", "-c", "seq 1 100000")
	slow := &slowly{until: make(chan struct{})}
	done := make(chan error, 1)
	go func() { done <- c.r.Attach(t.Context(), c.a, c.id, engine.Streams{Stdout: slow}, false) }()
	eventually(t, "it is attached", func() bool { return c.r.present(keyOf(c.a, c.id)) != nil })
	c.start()
	begin := time.Now()
	c.wait()
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("the end took %v", took)
	}
	if out := c.logs("stdout"); !strings.HasSuffix(out, "\n100000\n") {
		t.Errorf("the log ends with %.30q", out[max(0, len(out)-30):])
	}
	close(slow.until)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if !strings.HasSuffix(slow.String(), "\n99999\n100000\n") || !strings.HasPrefix(slow.String(), "1\n2\n") {
		t.Errorf("the client got %d bytes", len(slow.String()))
	}
}

type slowly struct {
	buffer

	until chan struct{}
}

func (s *slowly) Write(p []byte) (int, error) {
	<-s.until
	return s.buffer.Write(p)
}

func TestAClientThatFailsIsLetGoOf(t *testing.T) {
	c := container(t, "sh", "-c", "seq 1 400000")
	done := make(chan error, 1)
	go func() { done <- c.r.Attach(t.Context(), c.a, c.id, engine.Streams{Stdout: broken{}}, false) }()
	eventually(t, "it is attached", func() bool { return c.r.present(keyOf(c.a, c.id)) != nil })
	c.start()
	if code := c.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	<-done
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestLogsFollowToTheEnd(t *testing.T) {
	c := container(t, "sh", "-c", "for i in 1 2 3 4 5; do echo $i; sleep 0.05; done")
	c.start()
	var out strings.Builder
	opts := engine.LogOptions{Follow: true, Tail: -1, Stdout: true, Stderr: true}
	if err := c.r.Logs(t.Context(), c.a, c.id, opts, func(e engine.LogEntry) error { out.Write(e.Line); return nil }); err != nil {
		t.Error(err)
	}
	if out.String() != "1\n2\n3\n4\n5\n" {
		t.Errorf("got %q", out.String())
	}
	c.wait()
}

func TestTerminal(t *testing.T) {
	c := container(t, "sh", "-c", "tty; stty size; read x; stty size; echo err >&2")
	c.spec.Tty, c.spec.OpenStdin, c.spec.ConsoleSize = true, true, [2]uint16{30, 90}
	var out buffer
	in, w := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- c.r.Attach(t.Context(), c.a, c.id, engine.Streams{Stdin: in, Stdout: &out}, false) }()
	eventually(t, "it is attached", func() bool { return c.r.present(keyOf(c.a, c.id)) != nil })
	c.start()
	eventually(t, "it has its size", func() bool { return strings.Contains(out.String(), "30 90\r\n") })
	if err := c.r.Resize(t.Context(), c.a, c.id, 40, 120); err != nil {
		t.Error(err)
	}
	if _, err := w.Write([]byte("x\n")); err != nil {
		t.Error(err)
	}
	c.wait()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := out.String(); !strings.HasPrefix(got, "/dev/pts/0\r\n") || !strings.Contains(got, "40 120\r\n") || !strings.HasSuffix(got, "err\r\n") {
		t.Errorf("got %q", got)
	}
	if got := c.logs("stdout"); !strings.HasSuffix(got, "err\r\n") {
		t.Errorf("log %q", got)
	}
}

func TestInitWithATerminal(t *testing.T) {
	c := container(t, "sh", "-c", "trap 'echo once' INT; echo ready; read x; read y; exit 2")
	c.spec.Tty, c.spec.OpenStdin, c.spec.Init = true, true, true
	var out buffer
	in, w := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- c.r.Attach(t.Context(), c.a, c.id, engine.Streams{Stdin: in, Stdout: &out}, false) }()
	c.start()
	eventually(t, "it is ready", func() bool { return strings.Contains(c.logs("stdout"), "ready") })
	for _, typed := range []string{"\x03", "a\n", "b\n", "c\n"} {
		if _, err := w.Write([]byte(typed)); err != nil {
			t.Error(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if code := c.wait(); code != 2 {
		t.Errorf("exit code %d", code)
	}
	<-done
	if n := strings.Count(c.logs("stdout"), "once"); n != 1 {
		t.Errorf("ctrl-c came %d times: %q", n, c.logs("stdout"))
	}
}

func TestExec(t *testing.T) {
	c := container(t, "sleep", "60")
	c.spec.Env = append(c.spec.Env, "A=1")
	c.start()
	for _, x := range []struct {
		name           string
		spec           engine.ExecSpec
		in             string
		code           int
		stdout, stderr string
	}{
		{"both kinds of output", engine.ExecSpec{Args: []string{"sh", "-c", "echo o; echo e >&2; exit 3"}}, "", 3, "o\n", "e\n"},
		{"stdin", engine.ExecSpec{Args: []string{"wc", "-c"}}, "12345\n", 0, "6\n", ""},
		{"user", engine.ExecSpec{Args: []string{"id"}, User: "web"}, "", 0, "uid=1000(web) gid=1001(web) groups=29(audio),1001(web)\n", ""},
		{"environment", engine.ExecSpec{Args: []string{"sh", "-c", "echo $A$B"}, Env: []string{"B=2"}}, "", 0, "12\n", ""},
		{"its own environment wins", engine.ExecSpec{Args: []string{"sh", "-c", "echo $A"}, Env: []string{"A=3"}}, "", 0, "3\n", ""},
		{"directory", engine.ExecSpec{Args: []string{"sh", "-c", "pwd"}, WorkingDir: "/etc/../etc"}, "", 0, "/etc\n", ""},
		{"terminal", engine.ExecSpec{Args: []string{"sh", "-c", "stty size; echo $TERM"}, Tty: true, ConsoleSize: [2]uint16{25, 81}}, "", 0, "25 81\r\nxterm\r\n", ""},
		{"much output", engine.ExecSpec{Args: []string{"sh", "-c", "seq 1 200000 | tail -c 14"}}, "", 0, "199999\n200000\n", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			code, stdout, stderr, err := c.exec(x.spec, x.in)
			if err != nil || code != x.code || stdout != x.stdout || stderr != x.stderr {
				t.Errorf("got %d, %v\n%q\n%q", code, err, stdout, stderr)
			}
		})
	}
}

func TestAnExecThatCannotBeRun(t *testing.T) {
	c := container(t, "sleep", "60")
	c.start()
	for _, x := range []struct {
		name   string
		args   []string
		code   int
		phrase string
	}{
		{"not found", []string{"foo"}, 127, "exec failed: No such file or directory"},
		{"no such file", []string{"/bin/foo"}, 127, "exec failed: No such file or directory"},
		{"not executable", []string{"/etc/noexec"}, 126, "permission denied"},
		{"a directory", []string{"/etc"}, 126, "is a directory"},
	} {
		_, _, _, err := c.exec(engine.ExecSpec{Args: x.args}, "")
		var cmd *engine.CommandError
		if !errors.As(err, &cmd) || cmd.Code != x.code || !strings.Contains(cmd.Msg, x.phrase) {
			t.Errorf("%s: %v", x.name, err)
		}
	}
	if _, _, _, err := c.exec(engine.ExecSpec{Args: []string{"true"}, User: "nobodyhere"}, ""); !errdefs.IsInvalidArgument(err) {
		t.Errorf("unknown user: %v", err)
	}
	if _, _, _, err := c.exec(engine.ExecSpec{Args: []string{"true"}, WorkingDir: "relative"}, ""); !errdefs.IsInvalidArgument(err) {
		t.Errorf("relative directory: %v", err)
	}
}

func TestAnExecGoesOnWithoutItsClient(t *testing.T) {
	c := container(t, "sleep", "60")
	c.start()
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		n, _ := c.r.Exec(ctx, c.a, c.id, engine.ExecSpec{ID: newID(), Args: []string{"sh", "-c", "yes | head -c 3000000; exit 5"}}, engine.Streams{Stdout: stuck{}}, func(int) { cancel() })
		code <- n
	}()
	select {
	case n := <-code:
		if n != 5 {
			t.Errorf("exit code %d", n)
		}
	case <-time.After(20 * time.Second):
		t.Error("it did not end")
	}
}

func TestAnExecEndsWithItsContainer(t *testing.T) {
	c := container(t, "sleep", "60")
	c.start()
	code := make(chan int, 1)
	_, err := c.r.Exec(t.Context(), c.a, c.id, engine.ExecSpec{ID: newID(), Args: []string{"sleep", "50"}}, engine.Streams{}, func(int) {
		if err := c.r.Signal(t.Context(), c.a, c.id, 9); err != nil {
			t.Error(err)
		}
		code <- 0
	})
	<-code
	if err != nil {
		t.Error(err)
	}
	c.wait()
}
