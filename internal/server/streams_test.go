package server_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

func TestLogs(t *testing.T) {
	at := time.Date(2026, 11, 24, 1, 2, 3, 400, time.UTC)
	entries := []engine.LogEntry{
		{Time: at, Stream: "stdout", Line: []byte("one\n")},
		{Time: at, Stream: "stderr", Line: []byte("two\n")},
		{Time: at, Stream: "stdout", Line: []byte("thr")},
		{Time: at, Stream: "stdout", Line: []byte("ee\n")},
	}
	for _, tc := range []struct {
		name, target, kind, want string
	}{
		{"framed", "/v1.44/containers/web/logs?stdout=1&stderr=1", "application/vnd.docker.multiplexed-stream",
			"\x01\x00\x00\x00\x00\x00\x00\x04one\n\x02\x00\x00\x00\x00\x00\x00\x04two\n\x01\x00\x00\x00\x00\x00\x00\x03thr\x01\x00\x00\x00\x00\x00\x00\x03ee\n"},
		{"framed, the original's", "/v1.23/containers/web/logs?stdout=1", "application/vnd.docker.raw-stream", ""},
		{"raw of a terminal", "/v1.44/containers/db/logs?stdout=1&stderr=1", "application/vnd.docker.raw-stream", "one\ntwo\nthree\n"},
		{"with times", "/v1.44/containers/db/logs?stdout=1&timestamps=1", "application/vnd.docker.raw-stream",
			"2026-11-24T01:02:03.000000400Z one\n2026-11-24T01:02:03.000000400Z two\n2026-11-24T01:02:03.000000400Z three\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t)
			b.containers.logs = entries
			resp, body := b.raw("GET " + tc.target + " HTTP/1.1\nHost: x\n\n")
			same(t, "type", resp.Header.Get("Content-Type"), tc.kind)
			if tc.want != "" {
				same(t, "body", fmt.Sprintf("%q", body), fmt.Sprintf("%q", tc.want))
			}
		})
	}
}

func TestLogOptions(t *testing.T) {
	for _, tc := range []struct{ query, want string }{
		{"stdout=1", "logs follow=false since=0 until=0 tail=-1 out=true err=false"},
		{"stderr=1&since=12&until=13.5&tail=7", "logs follow=false since=12000000000 until=13500000000 tail=7 out=false err=true"},
		{"stdout=1&since=12.000000003&tail=all", "logs follow=false since=12000000003 until=0 tail=-1 out=true err=false"},
		{"stdout=true&tail=random", "logs follow=false since=0 until=0 tail=-1 out=true err=false"},
	} {
		t.Run(tc.query, func(t *testing.T) {
			b := newBench(t)
			b.get("/v1.44/containers/web/logs?" + tc.query)
			same(t, "call", b.containers.said()[0], tc.want)
		})
	}
	b := newBench(t)
	status, body := b.get("/v1.44/containers/web/logs")
	same(t, "no stream", fmt.Sprint(status, " ", body), `400 {"message":"Bad parameters: you must choose at least one stream"}`+"\n")
}

// What is written comes while the call goes on.
func TestLogsFollow(t *testing.T) {
	b := newBench(t)
	b.containers.logs = []engine.LogEntry{{Stream: "stdout", Line: []byte("now\n")}}
	logs, err := b.docker("").ContainerLogs(t.Context(), "db", client.ContainerLogsOptions{ShowStdout: true, Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	line := make([]byte, 4)
	if _, err := io.ReadFull(logs, line); err != nil || string(line) != "now\n" {
		t.Errorf("%q %v", line, err)
	}
}

func TestAttach(t *testing.T) {
	b := newBench(t)
	b.containers.attach = func(_ context.Context, o cloud.AttachOptions) error {
		return echo(engine.Streams{Stdin: o.Stdin, Stdout: o.Stdout, Stderr: o.Stderr})
	}
	got, err := b.docker("").ContainerAttach(context.Background(), "web", client.ContainerAttachOptions{
		Stream: true, Stdin: true, Stdout: true, Stderr: true, DetachKeys: "ctrl-x",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	kind, _ := got.MediaType()
	same(t, "type", kind, "application/vnd.docker.multiplexed-stream")
	fmt.Fprint(got.Conn, "hello")
	if err := got.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &errs, got.Reader); err != nil {
		t.Fatal(err)
	}
	same(t, "stdout", out.String(), "hello")
	same(t, "stderr", errs.String(), "bye\n")
	same(t, "call", b.containers.said(), "[attach "+webID+` stream=true logs=false in=true out=true err=true keys="ctrl-x"]`)
}

func TestAttachErrorsComeBeforeTheStream(t *testing.T) {
	b := newBench(t)
	status, body := b.send("POST", "/v1.44/containers/x/attach?stream=1&stdout=1", "")
	same(t, "unknown", fmt.Sprint(status, " ", body), `404 {"message":"No such container: x"}`+"\n")
	b.containers.rows[0].State.Status = "paused"
	status, body = b.send("POST", "/v1.44/containers/web/attach?stream=1&stdout=1", "")
	if status != 409 || !strings.Contains(body, "paused") {
		t.Errorf("paused: %d %s", status, body)
	}
}

// The original's client sends an empty body as a chunk, and its input right behind the head of the answer; the head
// comes alone (api 5.1).
func TestHijackOfTheOriginal(t *testing.T) {
	b := newBench(t)
	hold := make(chan struct{})
	b.containers.attach = func(_ context.Context, o cloud.AttachOptions) error {
		<-hold
		_, err := io.Copy(o.Stdout, o.Stdin)
		return err
	}
	conn := b.dial()
	fmt.Fprint(conn, "POST /v1.23/containers/db/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"+
		"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	head := make([]byte, 4096)
	n, err := conn.Read(head)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "head", string(head[:n]), "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
	close(hold)
	fmt.Fprint(conn, "typed")
	if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "stream", string(rest), "typed")
}

// Input that came in the same packet as the request is not lost.
func TestHijackWithInputAhead(t *testing.T) {
	b := newBench(t)
	b.containers.attach = func(_ context.Context, o cloud.AttachOptions) error {
		_, err := io.Copy(o.Stdout, o.Stdin)
		return err
	}
	conn := b.dial()
	fmt.Fprint(conn, "POST /v1.23/containers/db/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\nahead")
	if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "status without an upgrade", resp.StatusCode, 200)
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "stream", string(body), "ahead")
}

// A client that is gone ends an attachment which is silent.
func TestAttachEndsWithItsClient(t *testing.T) {
	b := newBench(t)
	ended := make(chan struct{})
	b.containers.attach = func(ctx context.Context, _ cloud.AttachOptions) error {
		<-ctx.Done()
		close(ended)
		return ctx.Err()
	}
	got, err := b.docker("").ContainerAttach(context.Background(), "web", client.ContainerAttachOptions{Stream: true, Stdout: true})
	if err != nil {
		t.Fatal(err)
	}
	got.Close()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the attachment goes on without a client")
	}
}

func TestExec(t *testing.T) {
	b := newBench(t)
	b.containers.execRun = func(_ context.Context, s engine.Streams) error { return echo(s) }
	d := b.docker("")
	ctx := context.Background()
	x, err := d.ExecCreate(ctx, "web", client.ExecCreateOptions{Cmd: []string{"cat"}, AttachStdin: true, AttachStdout: true, AttachStderr: true})
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.ExecAttach(ctx, x.ID, client.ExecAttachOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	fmt.Fprint(got.Conn, "hi")
	_ = got.CloseWrite()
	var out, errs bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &errs, got.Reader); err != nil {
		t.Fatal(err)
	}
	same(t, "streams", out.String()+errs.String(), "hibye\n")
	code := 7
	b.containers.exec.ExitCode = &code
	in, err := d.ExecInspect(ctx, x.ID, client.ExecInspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "inspect", fmt.Sprint(in.ExitCode, in.Running, " ", in.ContainerID), "7 false "+webID)
	same(t, "calls", b.containers.said(), "[exec web [cat] tty=false exec start detach=false size=[0 0] in=true]")
}

func TestExecOfTheOriginal(t *testing.T) {
	for _, tc := range []struct {
		name, target, body string
		status             int
		answer             string
	}{
		{"create", "/v1.23/containers/web/exec", `{"User":"","Privileged":false,"Tty":false,"Cmd":["ls"],"Detach":true,"DetachKeys":""}`, 201, `{"Id":"` + execID + `"}`},
		{"create without a command", "/v1.23/containers/web/exec", `{"Cmd":null}`, 400, "No exec command specified\n"},
		{"start detached", "/v1.23/exec/" + execID + "/start", `{"Detach":true,"Tty":false}`, 200, ""},
		{"start of an unknown one", "/v1.23/exec/nope/start", `{"Detach":true}`, 404, "No such exec instance: nope\n"},
		{"resize", "/v1.23/exec/" + execID + "/resize?h=1&w=2", "", 201, ""},
		{"resize of an unknown one, numbers wrong", "/v1.23/exec/nope/resize?h=x", "", 404, "No such exec instance"},
		{"resize today", "/v1.44/exec/" + execID + "/resize?h=1&w=2", "", 200, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t)
			b.containers.exec = cloud.Exec{ID: execID, ContainerID: webID}
			status, body := b.send("POST", tc.target, tc.body)
			if status != tc.status || !strings.Contains(body, tc.answer) {
				t.Errorf("%d %s", status, body)
			}
		})
	}
}

// What goes wrong after the connection was taken over is told in the stream.
func TestExecFailure(t *testing.T) {
	b := newBench(t)
	b.containers.exec = cloud.Exec{ID: execID, ContainerID: webID, Config: cloud.ExecConfig{Tty: true, AttachStdout: true}}
	b.containers.execRun = func(context.Context, engine.Streams) error {
		return oops.Invalid("exec failed: No such file or directory")
	}
	got, err := b.docker("").ExecAttach(context.Background(), execID, client.ExecAttachOptions{TTY: true})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	out, _ := io.ReadAll(got.Reader)
	same(t, "stream", string(out), "exec failed: No such file or directory\r\n")
	b.containers.exec.Started = true
	if status, body := b.send("POST", "/v1.44/exec/"+execID+"/start", "{}"); status != 409 {
		t.Errorf("started twice: %d %s", status, body)
	}
}

func TestStats(t *testing.T) {
	b := newBench(t)
	reading := func(n uint64) engine.Stats {
		return engine.Stats{
			Time: time.Unix(int64(n), 0), CPUTotal: n * 100, SystemCPU: n * 1000, OnlineCPUs: 2, MemoryUsage: 700, MemoryCache: 300,
			MemoryLimit: 1 << 29, BlockRead: 5, Pids: 3, Networks: map[string]engine.NetStats{"eth0": {RxBytes: 9}},
		}
	}
	one := func(target string) container.StatsResponse {
		var s container.StatsResponse
		status, body := b.get(target)
		same(t, "status", status, 200)
		decode(t, body, &s)
		return s
	}
	b.containers.stats = []engine.Stats{reading(1), reading(2)}
	s := one("/v1.44/containers/web/stats?stream=false")
	same(t, "two readings", fmt.Sprint(s.PreCPUStats.CPUUsage.TotalUsage, s.CPUStats.CPUUsage.TotalUsage), "100 200")
	same(t, "memory without cache is for the client to work out", fmt.Sprint(s.MemoryStats.Usage, s.MemoryStats.Stats), "1000 map[inactive_file:300]")
	same(t, "name", s.Name, "/web")
	s = one("/v1.44/containers/web/stats?stream=false&one-shot=true")
	same(t, "one reading", fmt.Sprint(s.PreCPUStats.CPUUsage.TotalUsage, s.CPUStats.CPUUsage.TotalUsage), "0 200")
	s = one("/v1.23/containers/web/stats?stream=0&one-shot=1")
	same(t, "the original's", fmt.Sprint(s.MemoryStats.Usage, " ", s.BlkioStats.IoServiceBytesRecursive[0].Op), "700 Read")
	b.containers.stats = nil
	s = one("/v1.44/containers/db/stats?stream=false")
	same(t, "what does not run uses nothing", fmt.Sprint(s.ID == dbID, s.MemoryStats.Usage, s.CPUStats.CPUUsage.TotalUsage), "true 0 0")
}

func TestStatsStream(t *testing.T) {
	b := newBench(t)
	b.containers.stats = []engine.Stats{{Time: time.Unix(1, 0), CPUTotal: 1}, {Time: time.Unix(2, 0), CPUTotal: 2}}
	res, err := b.docker("").ContainerStats(t.Context(), "web", client.ContainerStatsOptions{Stream: true})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	var got []string
	for len(got) < 2 && lines.Scan() {
		var s container.StatsResponse
		decode(t, lines.Text(), &s)
		got = append(got, fmt.Sprint(s.PreCPUStats.CPUUsage.TotalUsage, ">", s.CPUStats.CPUUsage.TotalUsage))
	}
	same(t, "readings", got, "[0>1 1>2]")
}
