package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// log is all that a container without a terminal has written, the two streams one after the other.
func (m moby) log(t *testing.T, id string) string {
	t.Helper()
	out, errs := m.logs(t, id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	return out + errs
}

func (m moby) logs(t *testing.T, id string, opts client.ContainerLogsOptions) (stdout, stderr string) {
	t.Helper()
	r, err := m.ContainerLogs(within(t), id, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return apart(t, r)
}

// mobyStreamRows are what goes in and out of containers.
var mobyStreamRows = map[string]mobyRow{
	"ContainerLogs": func(t *testing.T, m moby) {
		id, _ := m.ended(t, "echo one; echo two >&2; sleep 1.2; echo three; sleep 0.2; echo four >&2; sleep 0.2; printf half")
		all := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true}
		out, errs := m.logs(t, id, all)
		want(t, "stdout", out, "one\nthree\nhalf")
		want(t, "stderr", errs, "two\nfour\n")
		out, errs = m.logs(t, id, client.ContainerLogsOptions{ShowStderr: true})
		want(t, "stderr alone", out+errs, "two\nfour\n")
		last := all
		last.Tail = "2"
		out, errs = m.logs(t, id, last)
		want(t, "the last two", out+errs, "halffour\n")
		stamped := all
		stamped.Timestamps = true
		out, _ = m.logs(t, id, stamped)
		var at []time.Time
		for _, line := range strings.Split(out, "\n") {
			stamp, _, _ := strings.Cut(line, " ")
			when, err := time.Parse(time.RFC3339Nano, stamp)
			at = append(at, must(t, when, err))
		}
		middle := at[0].Add(at[1].Sub(at[0]) / 2)
		later, earlier := all, all
		later.Since, earlier.Until = middle.Format(time.RFC3339Nano), fmt.Sprintf("%d.%09d", middle.Unix(), middle.Nanosecond())
		out, errs = m.logs(t, id, later)
		want(t, "what came later", out+errs, "three\nhalffour\n")
		out, errs = m.logs(t, id, earlier)
		want(t, "what came earlier", out+errs, "one\ntwo\n")
		follow := all
		follow.Follow = true
		live := m.start(t, "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.3; done")
		out, _ = m.logs(t, live, follow)
		want(t, "what is followed until the end", out, "1\n2\n3\n")
		tty := m.startWith(t, client.ContainerCreateOptions{Config: &container.Config{Cmd: []string{"echo", "raw"}, Tty: true}})
		m.exit(t, tty)
		r, err := m.ContainerLogs(within(t), tty, all)
		want(t, "the log of a terminal", whole(t, must(t, r, err)), "raw\r\n")
		if _, err := m.ContainerLogs(within(t), id, client.ContainerLogsOptions{}); !errdefs.IsInvalidArgument(err) {
			t.Errorf("no stream at all: %v", err)
		}
	},
	"ContainerAttach": func(t *testing.T, m moby) {
		id := m.create(t, client.ContainerCreateOptions{Config: &container.Config{
			Cmd: []string{"sh", "-c", "echo begun >&2; cat; echo over"}, OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true,
		}})
		a, err := m.ContainerAttach(within(t), id, client.ContainerAttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
		must(t, a, err)
		defer a.Close()
		if kind, ok := a.MediaType(); !ok || kind != "application/vnd.docker.multiplexed-stream" {
			t.Errorf("the stream is %q", kind)
		}
		if _, err := m.ContainerStart(within(t), id, client.ContainerStartOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(a.Conn, "hello\n"); err != nil {
			t.Fatal(err)
		}
		if err := a.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		out, errs := apart(t, a.Reader)
		want(t, "stdout", out, "hello\nover\n")
		want(t, "stderr", errs, "begun\n")
		old, err := m.ContainerAttach(within(t), id, client.ContainerAttachOptions{Stdout: true, Logs: true})
		must(t, old, err)
		defer old.Close()
		out, _ = apart(t, old.Reader)
		want(t, "what was there before", out, "hello\nover\n")
		tty := m.create(t, client.ContainerCreateOptions{Config: &container.Config{Cmd: []string{"sh", "-c", "read x; echo got $x"}, Tty: true, OpenStdin: true}})
		raw, err := m.ContainerAttach(within(t), tty, client.ContainerAttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
		must(t, raw, err)
		defer raw.Close()
		if kind, ok := raw.MediaType(); !ok || kind != "application/vnd.docker.raw-stream" {
			t.Errorf("a terminal's stream is %q", kind)
		}
		if _, err := m.ContainerStart(within(t), tty, client.ContainerStartOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(raw.Conn, "word\n"); err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(raw.Reader)
		wantIn(t, "what the terminal shows", string(must(t, text, err)), "got word\r\n")
		leave := m.startWith(t, client.ContainerCreateOptions{Config: &container.Config{Cmd: []string{"cat"}, Tty: true, OpenStdin: true}})
		seat, err := m.ContainerAttach(within(t), leave, client.ContainerAttachOptions{Stream: true, Stdin: true, Stdout: true, DetachKeys: "ctrl-x"})
		must(t, seat, err)
		defer seat.Close()
		if _, err := seat.Conn.Write([]byte{'x' & 0x1f}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(seat.Reader); err != nil {
			t.Error(err)
		}
		want(t, "running after its client has left", m.inspect(t, leave).State.Running, true)
	},
	"ContainerResize": func(t *testing.T, m moby) {
		id := m.startWith(t, client.ContainerCreateOptions{Config: &container.Config{Cmd: []string{"sh", "-c", "while :; do stty size; sleep 0.2; done"}, Tty: true}})
		if _, err := m.ContainerResize(within(t), id, client.ContainerResizeOptions{Height: 33, Width: 99}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the terminal is larger", func() string {
			r, err := m.ContainerLogs(within(t), id, client.ContainerLogsOptions{ShowStdout: true, Tail: "1"})
			return missing(whole(t, must(t, r, err)), "33 99")
		})
		if _, err := m.ContainerResize(within(t), m.made(t, "true"), client.ContainerResizeOptions{Height: 3, Width: 9}); err == nil {
			t.Error("what does not run has a terminal")
		}
	},
	"ContainerStats": func(t *testing.T, m moby) {
		id := m.start(t, "sh", "-c", "while :; do :; done")
		one := func(opts client.ContainerStatsOptions) (s container.StatsResponse) {
			r, err := m.ContainerStats(within(t), id, opts)
			if err := json.Unmarshal([]byte(whole(t, must(t, r, err).Body)), &s); err != nil {
				t.Fatal(err)
			}
			return s
		}
		s := one(client.ContainerStatsOptions{})
		if s.ID != id || s.OSType != "linux" || s.CPUStats.CPUUsage.TotalUsage == 0 || s.MemoryStats.Usage == 0 || s.MemoryStats.Limit == 0 || s.PidsStats.Current == 0 || !s.PreRead.IsZero() {
			t.Errorf("one shot: %+v", s)
		}
		s = one(client.ContainerStatsOptions{IncludePreviousSample: true})
		if s.PreRead.IsZero() || s.CPUStats.CPUUsage.TotalUsage <= s.PreCPUStats.CPUUsage.TotalUsage || s.CPUStats.SystemUsage <= s.PreCPUStats.SystemUsage {
			t.Errorf("with the one before: %+v", s)
		}
		r, err := m.ContainerStats(within(t), id, client.ContainerStatsOptions{Stream: true})
		must(t, r, err)
		defer r.Body.Close()
		d := json.NewDecoder(r.Body)
		var last time.Time
		for range 3 {
			var s container.StatsResponse
			if err := d.Decode(&s); err != nil {
				t.Fatal(err)
			}
			if !s.Read.After(last) || s.Networks["eth0"].RxBytes == 0 && s.Networks == nil {
				t.Errorf("in the stream: %+v", s)
			}
			last = s.Read
		}
	},
	"ExecCreate": func(t *testing.T, m moby) {
		id := m.idle(t)
		e, err := m.ExecCreate(within(t), id, client.ExecCreateOptions{
			Cmd: []string{"sh", "-c", "echo $A; pwd; id -u"}, Env: []string{"A=b"}, WorkingDir: "/tmp", User: "9", AttachStdout: true,
		})
		must(t, e, err)
		a, err := m.ExecAttach(within(t), e.ID, client.ExecAttachOptions{})
		must(t, a, err)
		defer a.Close()
		out, _ := apart(t, a.Reader)
		want(t, "what it says", out, "b\n/tmp\n9\n")
		if _, err := m.ExecCreate(within(t), m.made(t, "true"), client.ExecCreateOptions{Cmd: []string{"true"}}); !errdefs.IsConflict(err) {
			t.Errorf("in what does not run: %v", err)
		}
		if _, err := m.ExecCreate(within(t), id, client.ExecCreateOptions{Cmd: []string{"true"}, Privileged: true}); err == nil {
			t.Error("it is privileged")
		}
	},
	"ExecStart": func(t *testing.T, m moby) {
		id := m.idle(t)
		e, err := m.ExecCreate(within(t), id, client.ExecCreateOptions{Cmd: []string{"touch", "/touched"}})
		must(t, e, err)
		if _, err := m.ExecStart(within(t), e.ID, client.ExecStartOptions{Detach: true}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is done", func() string { return missing(m.output(t, id, "ls", "/touched"), "/touched\n") })
		if _, err := m.ExecStart(within(t), "nothing", client.ExecStartOptions{Detach: true}); !errdefs.IsNotFound(err) {
			t.Errorf("what is not there: %v", err)
		}
	},
	"ExecAttach": func(t *testing.T, m moby) {
		id := m.idle(t)
		e, err := m.ExecCreate(within(t), id, client.ExecCreateOptions{Cmd: []string{"sh", "-c", "cat; echo done >&2"}, AttachStdin: true, AttachStdout: true, AttachStderr: true})
		must(t, e, err)
		a, err := m.ExecAttach(within(t), e.ID, client.ExecAttachOptions{})
		must(t, a, err)
		defer a.Close()
		if kind, _ := a.MediaType(); kind != "application/vnd.docker.multiplexed-stream" {
			t.Errorf("the stream is %q", kind)
		}
		if _, err := io.WriteString(a.Conn, strings.Repeat("0123456789\n", 20000)); err != nil {
			t.Fatal(err)
		}
		if err := a.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		out, errs := apart(t, a.Reader)
		want(t, "how much comes back", len(out), 220000)
		want(t, "stderr", errs, "done\n")
		tty, err := m.ExecCreate(within(t), id, client.ExecCreateOptions{
			Cmd: []string{"sh", "-c", "stty size; tty; echo to stderr >&2"}, TTY: true, AttachStdout: true, AttachStderr: true, ConsoleSize: client.ConsoleSize{Height: 11, Width: 22},
		})
		must(t, tty, err)
		raw, err := m.ExecAttach(within(t), tty.ID, client.ExecAttachOptions{TTY: true, ConsoleSize: client.ConsoleSize{Height: 11, Width: 22}})
		must(t, raw, err)
		defer raw.Close()
		if kind, _ := raw.MediaType(); kind != "application/vnd.docker.raw-stream" {
			t.Errorf("a terminal's stream is %q", kind)
		}
		text, err := io.ReadAll(raw.Reader)
		want(t, "what the terminal shows", string(must(t, text, err)), "11 22\r\n/dev/pts/0\r\nto stderr\r\n")
	},
	"ExecResize": func(t *testing.T, m moby) {
		id := m.idle(t)
		e, err := m.ExecCreate(within(t), id, client.ExecCreateOptions{Cmd: []string{"sh", "-c", "read x; stty size"}, TTY: true, AttachStdin: true, AttachStdout: true})
		must(t, e, err)
		a, err := m.ExecAttach(within(t), e.ID, client.ExecAttachOptions{TTY: true})
		must(t, a, err)
		defer a.Close()
		eventually(t, "it has a terminal", func() string {
			if _, err := m.ExecResize(within(t), e.ID, client.ExecResizeOptions{Height: 44, Width: 55}); err != nil {
				return err.Error()
			}
			return ""
		})
		if _, err := io.WriteString(a.Conn, "\n"); err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(a.Reader)
		wantIn(t, "the size", string(must(t, text, err)), "44 55\r\n")
	},
	"ExecInspect": func(t *testing.T, m moby) {
		id := m.idle(t)
		e, err := m.ExecCreate(within(t), id, client.ExecCreateOptions{Cmd: []string{"sh", "-c", "read x; exit 6"}, AttachStdin: true, AttachStdout: true})
		must(t, e, err)
		a, err := m.ExecAttach(within(t), e.ID, client.ExecAttachOptions{})
		must(t, a, err)
		defer a.Close()
		eventually(t, "it runs", func() string {
			in, err := m.ExecInspect(within(t), e.ID, client.ExecInspectOptions{})
			if must(t, in, err); !in.Running || in.PID == 0 || in.ContainerID != id || in.ID != e.ID {
				return fmt.Sprintf("%+v", in)
			}
			return ""
		})
		if err := a.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		_, _ = io.ReadAll(a.Reader)
		eventually(t, "it has ended", func() string {
			in, err := m.ExecInspect(within(t), e.ID, client.ExecInspectOptions{})
			if must(t, in, err); in.Running || in.ExitCode != 6 {
				return fmt.Sprintf("%+v", in)
			}
			return ""
		})
		if _, err := m.ExecInspect(within(t), "nothing", client.ExecInspectOptions{}); !errdefs.IsNotFound(err) {
			t.Errorf("what is not there: %v", err)
		}
	},
	"DialHijack": func(t *testing.T, m moby) {
		id := m.start(t, "sh", "-c", "sleep 0.5; echo spoken; sleep 0.2")
		conn, err := m.DialHijack(within(t), "/v1.44/containers/"+id+"/attach?stream=1&stdout=1", "tcp", nil)
		must(t, conn, err)
		defer conn.Close()
		out, _ := apart(t, bufio.NewReader(conn))
		want(t, "what comes on the connection", out, "spoken\n")
		if _, err := m.DialHijack(within(t), "/session", "h2c", nil); err == nil || !strings.Contains(err.Error(), "400") {
			t.Errorf("a session without a name: %v", err)
		}
	},
}
