package server_test

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

const (
	webID   = "1111111111111111111111111111111111111111111111111111111111111111"
	dbID    = "2222222222222222222222222222222222222222222222222222222222222222"
	execID  = "3333333333333333333333333333333333333333333333333333333333333333"
	imageID = "sha256:4444444444444444444444444444444444444444444444444444444444444444"
	volID   = "5555555555555555555555555555555555555555555555555555555555555555"
)

var theAccount = func() account.Ref {
	a, err := account.New("0123456789abcdef0123456789abcdef", 0)
	if err != nil {
		panic(err)
	}
	return a
}()

// began is long ago enough for ages to be stable while a test runs.
var began = time.Now().Add(-3 * time.Hour)

// fakeContainers are two containers, web and db, of one account. Calls are noted as text.
type fakeContainers struct {
	mu      sync.Mutex
	calls   []string
	created container.CreateRequest
	rows    []*container.Container
	logs    []engine.LogEntry
	waiting chan container.WaitResult
	exec    container.Exec
	health  *container.Health
	stats   []engine.Stats // consumed one by one; the last stays
	attach  func(ctx context.Context, opts container.AttachOptions) error
	execRun func(ctx context.Context, s engine.Streams) error
	err     error // of every verb
}

func newFakeContainers() *fakeContainers {
	at := time.Date(2026, 11, 24, 1, 2, 3, 456789000, time.UTC)
	return &fakeContainers{
		waiting: make(chan container.WaitResult, 1),
		rows: []*container.Container{
			{
				ID: webID, Name: "web", ImageID: imageID, Endpoints: []store.Endpoint{{Address: netip.MustParseAddr("172.16.0.3")}}, Phase: store.Ready, CreatedAt: at,
				Spec: container.Spec{
					Image: "wordpress", Args: []string{"/entrypoint.sh", "apache2 -D", "x"}, Entrypoint: []string{"/entrypoint.sh"},
					Cmd: []string{"apache2 -D", "x"}, Env: []string{"A=b"}, Hostname: "111111111111", Labels: map[string]string{"k": "v"},
					Exposed:   []store.Port{{Number: 80, Proto: "tcp"}, {Number: 443, Proto: "tcp"}},
					Published: []store.PublishedPort{{Port: store.Port{Number: 80, Proto: "tcp"}, Public: 8080}},
					Links:     []store.Link{{Target: dbID, Alias: "mysql"}},
					Mounts:    []store.Mount{{VolumeID: volID, Destination: "/data", Mode: "ro", ReadOnly: true}},
					Restart:   store.RestartPolicy{Name: "on-failure", MaxRetries: 3}, Size: "s4", StopSignal: "SIGTERM",
				},
				State: container.State{Status: store.StatusRunning, Pid: 4242, StartedAt: began},
			},
			{
				ID: dbID, Name: "db", ImageID: imageID, Endpoints: []store.Endpoint{{Address: netip.MustParseAddr("172.16.0.2")}}, Phase: store.Ready, CreatedAt: at.Add(-time.Minute),
				Spec: container.Spec{
					Image: "mysql", Args: []string{"mysqld"}, Cmd: []string{"mysqld"}, Hostname: "222222222222", Size: "s1", Tty: true, OpenStdin: true,
					Published: []store.PublishedPort{{Port: store.Port{Number: 3306, Proto: "tcp"}, Public: 3306}},
					Restart:   store.RestartPolicy{Name: "no"},
				},
				State: container.State{Status: store.StatusExited, ExitCode: 137, StartedAt: began, FinishedAt: began.Add(time.Hour)},
			},
		},
	}
}

func (f *fakeContainers) note(format string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
	return f.err
}

func (f *fakeContainers) said() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

func (f *fakeContainers) Connect(_ context.Context, _ account.Ref, ref string, req network.EndpointRequest) error {
	return f.note("connect %s %+v", ref, req)
}

func (f *fakeContainers) Disconnect(_ context.Context, _ account.Ref, ref, network string) error {
	return f.note("disconnect %s %s", ref, network)
}

func seconds(t *int) string {
	if t == nil {
		return "own"
	}
	return fmt.Sprint(*t)
}

func (f *fakeContainers) Get(a account.Ref, ref string) (*container.Container, error) {
	if a != theAccount {
		return nil, oops.NotFound("No such container: %s", ref)
	}
	name := strings.TrimPrefix(ref, "/")
	for _, c := range f.rows {
		if c.Name == name || len(name) >= 6 && strings.HasPrefix(c.ID, name) {
			return c, nil
		}
	}
	return nil, oops.NotFound("No such container: %s", ref)
}

func (f *fakeContainers) List(_ context.Context, _ account.Ref, o container.ListOptions) ([]*container.Container, error) {
	if err := f.note("list all=%v limit=%d size=%v %v", o.All, o.Limit, o.Size, o.Filters); err != nil {
		return nil, err
	}
	var out []*container.Container
	for _, c := range f.rows {
		if o.All || c.State.Status.Live() {
			out = append(out, c)
		}
	}
	return out, nil
}

func (f *fakeContainers) Create(_ context.Context, _ account.Ref, req container.CreateRequest) (container.Created, error) {
	f.created = req
	if req.Image == "missing" {
		return container.Created{}, oops.NotFound("No such image: missing:latest")
	}
	return container.Created{ID: webID}, f.note("create %s %s", req.Name, req.Image)
}

func (f *fakeContainers) Estimate(_ context.Context, _ account.Ref, req container.CreateRequest) (container.Prospect, error) {
	f.created = req
	return container.Prospect{Name: req.Name, Image: req.Image, Size: "s4"}, f.note("estimate %s %s", req.Name, req.Image)
}

func (f *fakeContainers) Start(_ context.Context, _ account.Ref, ref string) error {
	return f.note("start %s", ref)
}
func (f *fakeContainers) Stop(_ context.Context, _ account.Ref, ref string, opts container.StopOptions) error {
	return f.note("stop %s %s%s", ref, seconds(opts.Timeout), opts.Signal)
}

func (f *fakeContainers) Restart(_ context.Context, _ account.Ref, ref string, opts container.StopOptions) error {
	return f.note("restart %s %s%s", ref, seconds(opts.Timeout), opts.Signal)
}

func (f *fakeContainers) Kill(_ context.Context, _ account.Ref, ref, signal string) error {
	return f.note("kill %s %q", ref, signal)
}
func (f *fakeContainers) Pause(_ context.Context, _ account.Ref, ref string) error {
	return f.note("pause %s", ref)
}
func (f *fakeContainers) Unpause(_ context.Context, _ account.Ref, ref string) error {
	return f.note("unpause %s", ref)
}

func (f *fakeContainers) Rename(_ context.Context, _ account.Ref, ref, name string) error {
	return f.note("rename %s %s", ref, name)
}

func (f *fakeContainers) Resize(_ context.Context, _ account.Ref, ref string, rows, cols uint16) error {
	return f.note("resize %s %dx%d", ref, rows, cols)
}

func (f *fakeContainers) Remove(_ context.Context, _ account.Ref, ref string, o container.RemoveOptions) ([]string, error) {
	return []string{"attached volume(data) is not deleted"}, f.note("remove %s force=%v volumes=%v", ref, o.Force, o.Volumes)
}

func (f *fakeContainers) Prune(_ context.Context, _ account.Ref, match func(*container.Container) bool) ([]string, error) {
	at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	return []string{dbID}, f.note("prune one of 2020: %v", match(&container.Container{CreatedAt: at, Spec: container.Spec{Labels: map[string]string{"k": "v"}}}))
}

func (f *fakeContainers) Update(_ context.Context, _ account.Ref, ref string, r container.UpdateRequest) ([]string, error) {
	text := "update " + ref
	if r.Restart != nil {
		text += fmt.Sprintf(" restart=%s:%d", r.Restart.Name, r.Restart.MaxRetries)
	}
	if r.Protection != nil {
		text += fmt.Sprintf(" protection=%v", *r.Protection)
	}
	return nil, f.note("%s add=%v remove=%v", text, r.AddSecGroups, r.RemoveSecGroups)
}

func (f *fakeContainers) Wait(ctx context.Context, a account.Ref, ref string, cond container.WaitCondition) (<-chan container.WaitResult, error) {
	if _, err := f.Get(a, ref); err != nil {
		return nil, err
	}
	return f.waiting, f.note("wait %s %s", ref, cond)
}

func (f *fakeContainers) Attach(ctx context.Context, _ account.Ref, ref string, o container.AttachOptions) error {
	if err := f.note("attach %s stream=%v logs=%v in=%v out=%v err=%v keys=%q", ref, o.Stream, o.Logs, o.Stdin != nil, o.Stdout != nil, o.Stderr != nil, o.DetachKeys); err != nil {
		return err
	}
	return f.attach(ctx, o)
}

func (f *fakeContainers) Logs(ctx context.Context, _ account.Ref, _ string, o engine.LogOptions, fn func(engine.LogEntry) error) error {
	_ = f.note("logs follow=%v since=%d until=%d tail=%d out=%v err=%v", o.Follow, nanos(o.Since), nanos(o.Until), o.Tail, o.Stdout, o.Stderr)
	for _, e := range f.logs {
		if err := fn(e); err != nil {
			return err
		}
	}
	if o.Follow {
		<-ctx.Done()
	}
	return ctx.Err()
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func (f *fakeContainers) Stats(_ context.Context, a account.Ref, ref string) (engine.Stats, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.stats) == 0 {
		return engine.Stats{}, nil
	}
	s := f.stats[0]
	if len(f.stats) > 1 {
		f.stats = f.stats[1:]
	}
	return s, nil
}

func (f *fakeContainers) Top(_ context.Context, _ account.Ref, ref string, args []string) (container.Processes, error) {
	return container.Processes{Titles: []string{"PID", "CMD"}, Rows: [][]string{{"1", "mysqld"}}}, f.note("top %s %v", ref, args)
}

func (f *fakeContainers) Health(_ account.Ref, id string) *container.Health {
	if id == webID {
		return f.health
	}
	return nil
}

func (f *fakeContainers) Labels(_ account.Ref, c *container.Container) map[string]string {
	out := map[string]string{"sh_hyper_instancetype": c.Spec.Size, "sh.hyper.fip": ""}
	for k, v := range c.Spec.Labels {
		out[k] = v
	}
	return out
}

func (f *fakeContainers) SizeRw(context.Context, account.Ref, string) (int64, error) {
	return 1000, nil
}

func (f *fakeContainers) ExecCreate(_ context.Context, a account.Ref, ref string, cfg container.ExecConfig) (string, error) {
	c, err := f.Get(a, ref)
	if err != nil {
		return "", err
	}
	f.exec = container.Exec{ID: execID, ContainerID: c.ID, Config: cfg}
	return execID, f.note("exec %s %v tty=%v", ref, cfg.Cmd, cfg.Tty)
}

func (f *fakeContainers) ExecStart(ctx context.Context, _ account.Ref, id string, s engine.Streams, detach bool, size [2]uint16) error {
	if err := f.note("exec start detach=%v size=%v in=%v", detach, size, s.Stdin != nil); err != nil {
		return err
	}
	if detach {
		return nil
	}
	return f.execRun(ctx, s)
}

func (f *fakeContainers) ExecResize(_ context.Context, _ account.Ref, _ string, rows, cols uint16) error {
	return f.note("exec resize %dx%d", rows, cols)
}

func (f *fakeContainers) ExecInspect(_ account.Ref, id string) (container.Exec, error) {
	if id != f.exec.ID {
		return container.Exec{}, oops.NotFound("No such exec instance: %s", id)
	}
	return f.exec, nil
}
func (f *fakeContainers) ExecIDs(account.Ref, string) []string { return nil }

// echo is what a process does that copies its input to its output.
func echo(s engine.Streams) error {
	if s.Stdin != nil {
		if _, err := io.Copy(s.Stdout, s.Stdin); err != nil {
			return err
		}
	}
	if s.Stderr != nil {
		_, _ = io.WriteString(s.Stderr, "bye\n")
	}
	return nil
}

func (f *fakeContainers) Commit(_ context.Context, _ account.Ref, ref string, r container.CommitRequest) (string, error) {
	return imageID, f.note("commit %s as %q:%q by %q (%s) %q %v", ref, r.Repository, r.Tag, r.Author, r.Comment, r.Changes, r.Override.Env)
}

var theFile = engine.FileStat{Name: "passwd", Size: 5, Mode: 0o644, ModTime: time.Unix(1_700_000_000, 0).UTC(), LinkTarget: "/x"}

func (f *fakeContainers) StatFile(_ context.Context, _ account.Ref, ref, path string) (engine.FileStat, error) {
	return theFile, f.note("stat %s %s", ref, path)
}

func (f *fakeContainers) ReadFiles(_ context.Context, _ account.Ref, ref, path string, begin func(engine.FileStat), w io.Writer) error {
	if err := f.note("read %s %s", ref, path); err != nil {
		return err
	}
	begin(theFile)
	_, err := io.WriteString(w, "archive")
	return err
}

func (f *fakeContainers) WriteFiles(_ context.Context, _ account.Ref, ref string, r container.WriteRequest, in io.Reader) error {
	raw, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	return f.note("write %s %+v %s", ref, r, raw)
}

func (f *fakeContainers) Export(_ context.Context, _ account.Ref, ref string, begin func(), w io.Writer) error {
	if err := f.note("export %s", ref); err != nil {
		return err
	}
	begin()
	_, err := io.WriteString(w, "export")
	return err
}

func (f *fakeContainers) Changes(_ context.Context, _ account.Ref, ref string) ([]engine.FileChange, error) {
	return []engine.FileChange{{Path: "/a", Kind: engine.ChangeAdded}, {Path: "/b", Kind: engine.ChangeDeleted}}, f.note("changes %s", ref)
}

func (f *fakeContainers) ExportVolume(context.Context, account.Ref, string, func(), io.Writer) error {
	return f.note("export volume")
}
