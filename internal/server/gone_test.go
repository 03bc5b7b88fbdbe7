package server_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/server"
	"github.com/hypercloud/hyper/internal/server/auth"
	"github.com/hypercloud/hyper/internal/server/docker"
)

// endlessContainers are containers whose files and streams do not end by themselves.
type endlessContainers struct{ *fakeContainers }

func pour(ctx context.Context, w io.Writer) error {
	for ctx.Err() == nil {
		if _, err := w.Write(make([]byte, 64<<10)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (f endlessContainers) ReadFiles(ctx context.Context, _ account.Ref, ref, path string, begin func(engine.FileStat), w io.Writer) error {
	begin(theFile)
	return pour(ctx, w)
}

func (f endlessContainers) Export(ctx context.Context, _ account.Ref, ref string, begin func(), w io.Writer) error {
	begin()
	return pour(ctx, w)
}

// endlessImages come and go without an end.
type endlessImages struct{ *fakeImages }

func (f endlessImages) tell(ctx context.Context, out func(image.Message)) error {
	for ctx.Err() == nil {
		out(image.Message{ID: "layer", Status: string(engine.PullDownloading), Current: 1, Total: 2})
	}
	return ctx.Err()
}

func (f endlessImages) Pull(ctx context.Context, _ account.Ref, _ image.PullRequest, out func(image.Message)) error {
	return f.tell(ctx, out)
}

func (f endlessImages) Push(ctx context.Context, _ account.Ref, _ image.PushRequest, out func(image.Message)) (image.Pushed, error) {
	return image.Pushed{}, f.tell(ctx, out)
}

func (f endlessImages) Save(ctx context.Context, _ account.Ref, _ []string, begin func(), w io.Writer) error {
	begin()
	return pour(ctx, w)
}

// ours are the goroutines that run code of this server, by what they do.
func ours() []string {
	buf := make([]byte, 8<<20)
	var out []string
	for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		_, stack, _ := strings.Cut(g, "\n")
		if !strings.Contains(stack, "hypercloud/hyper/internal/") || strings.Contains(stack, "testing.tRunner(") || strings.Contains(stack, "internal/server_test.newBench") || strings.Contains(stack, "internal/store.") {
			continue
		}
		if strings.Contains(stack, "(*Server).Serve(") || strings.Contains(stack, "internal/server_test.(*bench).") {
			continue
		}
		out = append(out, addresses.ReplaceAllString(stack, ""))
	}
	slices.Sort(out)
	return out
}

var addresses = regexp.MustCompile(`\(0x[^)]*\)| \+0x[0-9a-f]+|0x[0-9a-f]+\??,? ?`)

// descriptors counts what this process has open.
func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// TestClientsThatGoAway opens every kind of call that lasts, and closes the connection in its middle, hard. What served it ends, and nothing of it stays.
func TestClientsThatGoAway(t *testing.T) {
	b := newBench(t)
	c := endlessContainers{b.containers}
	c.attach = func(ctx context.Context, o cloud.AttachOptions) error {
		<-ctx.Done()
		return ctx.Err()
	}
	c.execRun = func(ctx context.Context, s engine.Streams) error {
		<-ctx.Done()
		return ctx.Err()
	}
	c.exec = cloud.Exec{ID: execID, ContainerID: webID, Config: cloud.ExecConfig{AttachStdout: true, AttachStdin: true}}
	c.logs = []engine.LogEntry{{Stream: "stdout", Line: []byte("a line\n")}}
	c.stats = []engine.Stats{{Time: time.Unix(1, 0)}}
	events := event.NewBus()
	srv := server.New(server.Config{
		Containers: c, Images: endlessImages{b.images}, Volumes: b.volumes, Networks: noNetworks(t), FIPs: b.fips, System: fakeSystem{}, Events: events, Auth: auth.Peers{Account: theAccount},
		Build: docker.Build{Version: "0.1.0"}, Log: slog.New(slog.DiscardHandler),
	})
	socket := filepath.Join(t.TempDir(), "s")
	l, err := server.Listen("unix://"+socket, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ctx, l) }()
	defer func() { cancel(); <-ended }()

	upgrade := "Connection: Upgrade\nUpgrade: tcp\n"
	for _, tc := range []struct{ name, request string }{
		{"attach", "POST /v1.44/containers/web/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\nHost: x\n" + upgrade + "\n"},
		{"attach, without an upgrade", "POST /v1.44/containers/web/attach?stream=1&stdout=1 HTTP/1.1\nHost: x\n\n"},
		{"exec", "POST /v1.44/exec/" + execID + "/start HTTP/1.1\nHost: x\nContent-Type: application/json\nContent-Length: 2\n" + upgrade + "\n{}"},
		{"logs", "GET /v1.44/containers/web/logs?stdout=1&follow=1 HTTP/1.1\nHost: x\n\n"},
		{"events", "GET /v1.44/events HTTP/1.1\nHost: x\n\n"},
		{"events over a websocket", "GET /events/ws HTTP/1.1\nHost: x\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\n"},
		{"stats", "GET /v1.44/containers/web/stats HTTP/1.1\nHost: x\n\n"},
		{"wait", "POST /v1.44/containers/web/wait HTTP/1.1\nHost: x\n\n"},
		{"pull", "POST /v1.44/images/create?fromImage=mysql HTTP/1.1\nHost: x\n\n"},
		{"push", "POST /v1.44/images/mysql/push HTTP/1.1\nHost: x\n\n"},
		{"save", "GET /v1.44/images/mysql/get HTTP/1.1\nHost: x\n\n"},
		{"export", "GET /v1.44/containers/web/export HTTP/1.1\nHost: x\n\n"},
		{"cp out", "GET /v1.44/containers/web/archive?path=/ HTTP/1.1\nHost: x\n\n"},
		{"cp in", "PUT /v1.44/containers/web/archive?path=/ HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n5\nhello\n"},
		{"load", "POST /v1.44/images/load HTTP/1.1\nHost: x\nContent-Type: application/x-tar\nContent-Length: 1000000\n\nhello"},
		{"load, the original's", "POST /v1.23/images/load?file=true HTTP/1.1\nHost: x\nX-Hyper-Content-Length: 1000000\n" + upgrade + "\nhello"},
		{"import", "POST /v1.44/images/create?fromSrc=- HTTP/1.1\nHost: x\nContent-Length: 1000000\n\nhello"},
		{"a request that is half", "POST /v1.44/containers/create HTTP/1.1\nHost: x\nContent-Type: application/json\nContent-Length: 1000000\n\n{"},
		{"a head that is half", "POST /v1.44/containers/create HTTP/1.1\nHost: x\nContent-Ty"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before, open := ours(), descriptors(t)
			for range 3 {
				conn, err := net.Dial("unix", socket)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(conn, strings.ReplaceAll(tc.request, "\n", "\r\n")); err != nil {
					t.Fatal(err)
				}
				// Those that answer at once have begun to when some of it is there; the others are given a moment to read.
				_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
				_, _ = conn.Read(make([]byte, 1000))
				conn.Close()
			}
			var now []string
			var have int
			for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
				if now, have = ours(), descriptors(t); len(now) <= len(before) && have <= open {
					return
				}
			}
			t.Errorf("%d descriptors were open, and %d are; there were %d goroutines, and are\n%s", open, have, len(before), strings.Join(now, "\n\n"))
		})
	}
}

// A client that ends its input alone hears the rest: that is how the input of an exec ends.
func TestHalfClosedStreams(t *testing.T) {
	for name, target := range map[string]string{
		"attach":               "/v1.44/containers/web/attach?stream=1&stdin=1&stdout=1",
		"attach, a terminal's": "/v1.44/containers/db/attach?stream=1&stdin=1&stdout=1",
		"exec":                 "/v1.44/exec/" + execID + "/start",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			inputEnded := make(chan struct{})
			answer := func(ctx context.Context, in io.Reader, out io.Writer) error {
				text, err := io.ReadAll(in)
				if err != nil {
					return err
				}
				close(inputEnded)
				// Longer than it takes to look whether a client is gone.
				select {
				case <-time.After(3 * time.Second):
				case <-ctx.Done():
					return ctx.Err()
				}
				_, err = fmt.Fprintf(out, "after %s", text)
				return err
			}
			b.containers.attach = func(ctx context.Context, o cloud.AttachOptions) error { return answer(ctx, o.Stdin, o.Stdout) }
			b.containers.execRun = func(ctx context.Context, s engine.Streams) error { return answer(ctx, s.Stdin, s.Stdout) }
			b.containers.exec = cloud.Exec{ID: execID, ContainerID: webID, Config: cloud.ExecConfig{AttachStdin: true, AttachStdout: true}}
			conn := b.dial()
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}input", target)
			if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			r := bufio.NewReader(conn)
			resp, err := http.ReadResponse(r, nil)
			if err != nil || resp.StatusCode != 101 {
				t.Fatalf("%v %v", resp, err)
			}
			rest, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			<-inputEnded
			if !bytes.HasSuffix(rest, []byte("after input")) {
				t.Errorf("it hears %q", rest)
			}
		})
	}
}
