package server_test

import (
	"bufio"
	"context"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/server"
	"github.com/hypercloud/hyper/internal/server/auth"
	"github.com/hypercloud/hyper/internal/server/docker"
	"github.com/hypercloud/hyper/internal/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

// bench is a server on a unix socket, with fakes behind it.
type bench struct {
	*testing.T
	containers *fakeContainers
	images     *fakeImages
	volumes    *fakeVolumes
	fips       *fakeFIPs
	events     *event.Bus
	server     *server.Server
	socket     string
	stop       func() // ends the server and waits for it
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{
		T: t, containers: newFakeContainers(), images: &fakeImages{}, volumes: &fakeVolumes{}, fips: &fakeFIPs{},
		events: event.NewBus(), socket: filepath.Join(t.TempDir(), "s"),
	}
	b.server = server.New(server.Config{
		Containers: b.containers, Images: b.images, Volumes: b.volumes, Networks: noNetworks(t), FIPs: b.fips, System: fakeSystem{}, Events: b.events,
		Auth:  auth.Peers{Account: theAccount},
		Build: docker.Build{Version: "0.1.0", Commit: "abc", Time: time.Unix(1_800_000_000, 0)},
		Log:   slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	l, err := server.Listen("unix://"+b.socket, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.server.Serve(ctx, l) }()
	stopped := false
	b.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	}
	t.Cleanup(b.stop)
	return b
}

// docker is a client of today's Docker, of a fixed API version or ("") a negotiated one.
func (b *bench) docker(version string) *client.Client {
	b.Helper()
	opts := []client.Opt{client.WithHost("unix://" + b.socket)}
	if version != "" {
		opts = append(opts, client.WithAPIVersion(version))
	}
	c, err := client.New(opts...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	return c
}

// raw sends a request as it is written and returns the answer. Lines may end with \n alone.
func (b *bench) raw(request string) (*http.Response, string) {
	b.Helper()
	conn := b.dial()
	if _, err := io.WriteString(conn, strings.ReplaceAll(request, "\n", "\r\n")); err != nil {
		b.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	return resp, string(body)
}

// get asks by GET and returns status and body.
func (b *bench) get(target string) (int, string) {
	b.Helper()
	resp, body := b.raw("GET " + target + " HTTP/1.1\nHost: x\n\n")
	return resp.StatusCode, body
}

// send asks by any method, with a JSON body if it is not "".
func (b *bench) send(method, target, body string) (int, string) {
	b.Helper()
	head := method + " " + target + " HTTP/1.1\nHost: x\n"
	if body != "" {
		head += "Content-Type: application/json\n"
	}
	conn := b.dial()
	req := strings.ReplaceAll(head, "\n", "\r\n") + "Content-Length: " + itoa(len(body)) + "\r\n\r\n" + body
	if _, err := io.WriteString(conn, req); err != nil {
		b.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	return resp.StatusCode, string(out)
}

func (b *bench) dial() net.Conn {
	b.Helper()
	conn, err := net.Dial("unix", b.socket)
	if err != nil {
		b.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(15 * time.Second))
	b.Cleanup(func() { conn.Close() })
	return conn
}

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (run the test with -update if that is meant):\n%s", name, got)
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := text(got), text(want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

// noNetworks are those of an account that has only its own.
func noNetworks(t *testing.T) *network.Service {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "hyper.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return network.New(network.Config{Store: st, Engine: fake.New()})
}
