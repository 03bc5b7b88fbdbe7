package e2e

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/hypercloud/hyper/test/lab"
)

// moby is Docker's own client for Go, with a hyperd that it talks to and registries that both know.
type moby struct {
	*client.Client
	lab *lab.Lab
}

// ownRegistry is a registry that takes what is pushed, and searchable is a server that answers searches, both in the lab.
const (
	ownRegistry = "127.0.0.1:5001"
	searchable  = "127.0.0.1:5002"
)

// mobyRow calls one method, and checks what comes of it.
type mobyRow func(t *testing.T, m moby)

// mobyRows has a row for every method of the client.
var mobyRows = joinRows(mobyContainerRows, mobyStreamRows, mobyFileRows, mobyImageRows, mobyNetworkRows, mobyVolumeRows, mobySystemRows, mobyAbsentRows)

func joinRows(groups ...map[string]mobyRow) map[string]mobyRow {
	all := map[string]mobyRow{}
	for _, g := range groups {
		for name, row := range g {
			if all[name] != nil {
				panic("two rows for " + name)
			}
			all[name] = row
		}
	}
	return all
}

// TestMobyClient calls every method of Docker's client for Go. One that a new version of it brings fails until somebody has written its row.
func TestMobyClient(t *testing.T) {
	methods := mobyMethods()
	if len(methods) < 100 {
		t.Fatalf("the client has %d methods only", len(methods))
	}
	for name := range mobyRows {
		if !methods[name] {
			t.Errorf("there is a row for %s, which the client has not", name)
		}
	}
	l := newLab(t, "e2emc", "--fetch-allow", "127.0.0.1/32")
	startOwnRegistry(t, l)
	startSearchable(t, l)
	m := newMoby(t, l)
	for name := range methods {
		t.Run(name, func(t *testing.T) {
			row := mobyRows[name]
			if row == nil {
				t.Fatalf("no row calls %s: write one, or add it to those that are not offered", name)
			}
			row(t, m)
		})
	}
	left, err := m.ContainerList(t.Context(), client.ContainerListOptions{All: true})
	if err != nil || len(left.Items) > 0 {
		t.Errorf("containers are left: %+v, %v", left.Items, err)
	}
}

// mobyMethods are the names of the methods that the client's interface has.
func mobyMethods() map[string]bool {
	out := map[string]bool{}
	for m := range reflect.TypeFor[client.APIClient]().Methods() {
		out[m.Name] = true
	}
	for m := range reflect.TypeFor[*client.Client]().Methods() {
		out[m.Name] = true
	}
	return out
}

func newMoby(t *testing.T, l *lab.Lab, opts ...client.Opt) moby {
	t.Helper()
	c, err := client.New(append([]client.Opt{client.WithHost(l.Host())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	m := moby{c, l}
	m.pull(t, "busybox")
	return m
}

// startOwnRegistry runs a registry that takes what is pushed.
func startOwnRegistry(t *testing.T, l *lab.Lab) {
	t.Helper()
	conf := filepath.Join(l.Dir, "own-registry.yml")
	text := "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: " + filepath.Join(l.Dir, "own-registry") +
		"}, delete: {enabled: true}}\nhttp: {addr: " + ownRegistry + "}\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	runInLab(t, l, ownRegistry, os.Getenv(registryEnv), "serve", conf)
}

// runInLab starts a program that serves an address, and waits until it does. It ends with the lab.
func runInLab(t *testing.T, l *lab.Lab, addr, name string, args ...string) {
	t.Helper()
	cmd := l.Command(context.WithoutCancel(t.Context()), name, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = cmd.Wait() }()
	eventually(t, name+" serves "+addr, func() string {
		conn, err := l.Dial(t.Context(), "tcp", addr, "")
		if err != nil {
			return err.Error()
		}
		_ = conn.Close()
		return ""
	})
}

// within bounds what one call may take.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// afterwards is for what is cleaned up when the test's own context is over.
func afterwards(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (m moby) pull(t *testing.T, ref string) {
	t.Helper()
	r, err := m.ImagePull(within(t), ref, client.ImagePullOptions{})
	if err := must(t, r, err).Wait(within(t)); err != nil {
		t.Fatal(err)
	}
}

// create makes a container that is gone when the row has ended.
func (m moby) create(t *testing.T, opts client.ContainerCreateOptions) string {
	t.Helper()
	if opts.Config.Image == "" {
		opts.Config.Image = "busybox"
	}
	created, err := m.ContainerCreate(within(t), opts)
	must(t, created, err)
	t.Cleanup(func() {
		if _, err := m.ContainerRemove(afterwards(t), created.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true}); err != nil && !errdefs.IsNotFound(err) {
			t.Error(err)
		}
	})
	return created.ID
}

// made is a container that has not run.
func (m moby) made(t *testing.T, cmd ...string) string {
	t.Helper()
	return m.create(t, client.ContainerCreateOptions{Config: &container.Config{Cmd: cmd}})
}

// start is a container that runs.
func (m moby) start(t *testing.T, cmd ...string) string {
	t.Helper()
	return m.startWith(t, client.ContainerCreateOptions{Config: &container.Config{Cmd: cmd}})
}

func (m moby) startWith(t *testing.T, opts client.ContainerCreateOptions) string {
	t.Helper()
	id := m.create(t, opts)
	if _, err := m.ContainerStart(within(t), id, client.ContainerStartOptions{}); err != nil {
		t.Fatal(err)
	}
	return id
}

// idle is a container that does nothing until it is told to end.
func (m moby) idle(t *testing.T) string {
	t.Helper()
	return m.start(t, "sh", "-c", "trap exit TERM; while :; do sleep 1 & wait; done")
}

// ended is a container that has run, and its exit code.
func (m moby) ended(t *testing.T, script string) (id string, code int64) {
	t.Helper()
	id = m.start(t, "sh", "-c", script)
	return id, m.exit(t, id)
}

// exit waits for a container's end.
func (m moby) exit(t *testing.T, id string) int64 {
	t.Helper()
	return waited(t, m.ContainerWait(within(t), id, client.ContainerWaitOptions{}))
}

func waited(t *testing.T, w client.ContainerWaitResult) int64 {
	t.Helper()
	select {
	case r := <-w.Result:
		if r.Error != nil {
			t.Fatal(r.Error.Message)
		}
		return r.StatusCode
	case err := <-w.Error:
		t.Fatal(err)
		return -1
	}
}

func (m moby) inspect(t *testing.T, id string) container.InspectResponse {
	t.Helper()
	r, err := m.ContainerInspect(within(t), id, client.ContainerInspectOptions{})
	return must(t, r, err).Container
}

// output runs a command in a container, and is what it printed.
func (m moby) output(t *testing.T, id string, cmd ...string) string {
	t.Helper()
	ctx := within(t)
	e, err := m.ExecCreate(ctx, id, client.ExecCreateOptions{Cmd: cmd, AttachStdout: true, AttachStderr: true})
	if err != nil {
		t.Fatal(err)
	}
	a, err := m.ExecAttach(ctx, e.ID, client.ExecAttachOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	out, errs := apart(t, a.Reader)
	return out + errs
}

// apart are the two streams of an answer that has both.
func apart(t *testing.T, r io.Reader) (stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	if _, err := stdcopy.StdCopy(&out, &errs, r); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return out.String(), errs.String()
}

func whole(t *testing.T, r io.ReadCloser) string {
	t.Helper()
	defer r.Close()
	text, err := io.ReadAll(r)
	return string(must(t, text, err))
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, not %v", what, got, want)
	}
}

func wantIn(t *testing.T, what, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%s is %q, without %q", what, text, part)
	}
}

// inNetwork are settings for a container that is in one network with an alias.
func inNetwork(name, alias string) *network.NetworkingConfig {
	return &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{name: {Aliases: []string{alias}}}}
}
