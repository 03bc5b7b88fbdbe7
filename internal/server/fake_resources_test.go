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

	"github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/cloud/system"
	"github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// fakeImages hold mysql:latest. script is what a pull tells, and how it ends.
type fakeImages struct {
	mu     sync.Mutex // a load is not over when its connection is
	calls  []string
	script []image.Message
	err    error
	asked  image.PullRequest
}

var theImage = &store.Image{
	PulledAt: began,
	Image: engine.Image{
		ID: imageID, Digest: "sha256:feed", Size: 5000, Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		DiffIDs: []string{"sha256:aaaa"}, LayerSizes: []int64{5000},
		Config: v1.Image{
			Platform: v1.Platform{Architecture: "amd64", OS: "linux"},
			Config:   v1.ImageConfig{Cmd: []string{"mysqld"}, Env: []string{"PATH=/bin"}, ExposedPorts: map[string]struct{}{"3306/tcp": {}}},
			History:  []v1.History{{CreatedBy: "ADD"}, {CreatedBy: "CMD", EmptyLayer: true}},
		},
	},
}

func (f *fakeImages) Pull(_ context.Context, _ account.Ref, req image.PullRequest, out func(image.Message)) error {
	f.asked = req
	for _, m := range f.script {
		out(m)
	}
	return f.err
}

func (f *fakeImages) Find(_ account.Ref, ref string) (*store.Image, error) {
	if !slices.Contains([]string{"mysql", "mysql:latest", "registry.example:5000/a/b:1", imageID}, ref) {
		return nil, oops.NotFound("No such image: %s", ref)
	}
	return theImage, nil
}

func (f *fakeImages) CheckFilters(account.Ref, map[string][]string) error { return nil }

func (f *fakeImages) List(_ account.Ref, o image.ListOptions) []image.Summary {
	f.calls = append(f.calls, fmt.Sprintf("list %q %v", o.Reference, o.Filters))
	return []image.Summary{
		{Image: theImage, RepoTags: []string{"mysql:latest"}, RepoDigests: []string{"mysql@sha256:feed"}, Containers: 2, Shared: -1},
		{Image: theImage, Shared: -1},
	}
}

func (f *fakeImages) Names(account.Ref, string) ([]string, []string) {
	return []string{"mysql:latest"}, []string{"mysql@sha256:feed"}
}

func (f *fakeImages) Remove(_ context.Context, _ account.Ref, ref string, force bool) ([]image.Removed, error) {
	f.calls = append(f.calls, fmt.Sprintf("remove %s %v", ref, force))
	return []image.Removed{{Untagged: "mysql:latest"}, {Deleted: imageID}}, f.err
}

func (f *fakeImages) Prune(_ context.Context, _ account.Ref, match func(*store.Image) bool, dangling bool) ([]image.Removed, int64, error) {
	f.calls = append(f.calls, fmt.Sprintf("prune %v, new ones: %v", dangling, match(&store.Image{Image: engine.Image{Created: time.Now().Add(-time.Minute)}})))
	return []image.Removed{{Deleted: imageID}}, 5000, nil
}

func (f *fakeImages) Tag(_ context.Context, _ account.Ref, ref, repository, tag string) error {
	f.calls = append(f.calls, fmt.Sprintf("tag %s %s %s", ref, repository, tag))
	return nil
}

func (f *fakeImages) Search(_ context.Context, _ account.Ref, req image.SearchRequest) ([]engine.SearchResult, error) {
	f.calls = append(f.calls, fmt.Sprintf("search %s limit=%d %v as %q", req.Term, req.Limit, req.Filters, req.Username))
	return []engine.SearchResult{{Name: "mysql", Description: "a database", Stars: 7, Official: true}}, f.err
}

func (f *fakeImages) Look(_ context.Context, _ account.Ref, req image.PullRequest) (engine.RemoteImage, error) {
	f.asked = req
	return engine.RemoteImage{
		Target:    v1.Descriptor{MediaType: v1.MediaTypeImageManifest, Digest: "sha256:feed", Size: 9},
		Platforms: []v1.Platform{{OS: "linux", Architecture: "amd64"}},
	}, f.err
}

func (f *fakeImages) Import(_ context.Context, _ account.Ref, req image.ImportRequest) (string, error) {
	raw, err := io.ReadAll(req.Archive)
	f.calls = append(f.calls, fmt.Sprintf("import %q as %s:%s, %s %v %v", raw, req.Repository, req.Tag, req.Comment, req.Config.Cmd, req.Config.Env))
	return imageID, err
}

func (f *fakeImages) Load(_ context.Context, _ account.Ref, req image.LoadRequest, loaded func(image.Loaded)) error {
	raw, err := io.ReadAll(req.Archive)
	f.mu.Lock()
	f.calls = append(f.calls, fmt.Sprintf("load %s", raw))
	f.mu.Unlock()
	if err != nil {
		return err
	}
	if req.Read != nil {
		req.Read()
	}
	req.Progress(engine.PullProgress{Layer: "aaaaaaaaaaaa", Status: engine.PullExtracting, Current: 1, Total: 2})
	if f.err != nil {
		return f.err
	}
	loaded(image.Loaded{ID: imageID, Name: "mysql:latest"})
	loaded(image.Loaded{ID: imageID})
	return nil
}

func (f *fakeImages) Download(_ context.Context, _ account.Ref, url string) (io.ReadCloser, int64, error) {
	if strings.HasPrefix(url, "ftp:") {
		return nil, 0, oops.Invalid("Bad request parameters: Get %s: unsupported protocol scheme \"ftp\"", url)
	}
	return io.NopCloser(strings.NewReader("of " + url)), 5, nil
}

func (f *fakeImages) Present(_ account.Ref, layers [][]string) ([]string, error) {
	f.calls = append(f.calls, fmt.Sprintf("present %v", layers))
	return layers[0][:1], nil
}

func (f *fakeImages) Save(_ context.Context, _ account.Ref, refs []string, begin func(), w io.Writer) error {
	f.calls = append(f.calls, fmt.Sprintf("save %v", refs))
	if f.err != nil {
		return f.err
	}
	begin()
	_, err := io.WriteString(w, "archive")
	return err
}

func (f *fakeImages) Push(_ context.Context, _ account.Ref, req image.PushRequest, out func(image.Message)) (image.Pushed, error) {
	f.calls = append(f.calls, fmt.Sprintf("push %+v", req))
	for _, m := range f.script {
		out(m)
	}
	return image.Pushed{Tag: "latest", Digest: "sha256:feed", Size: 7}, f.err
}

// fakeVolumes hold the volume data.
type fakeVolumes struct{ calls []string }

var theVolume = &store.Volume{ID: volID, Name: "data", SizeGB: 10, Container: webID, Phase: store.Ready, CreatedAt: began}

func (f *fakeVolumes) Create(_ context.Context, _ account.Ref, r volume.CreateRequest) (*store.Volume, error) {
	f.calls = append(f.calls, fmt.Sprintf("create %s %d %v", r.Name, r.SizeGB, r.Labels))
	return theVolume, nil
}

func (f *fakeVolumes) Ensure(_ context.Context, _ account.Ref, r volume.CreateRequest) (*store.Volume, error) {
	f.calls = append(f.calls, fmt.Sprintf("ensure %s %d %v", r.Name, r.SizeGB, r.Labels))
	return theVolume, nil
}

func (f *fakeVolumes) Find(_ account.Ref, name string) (*store.Volume, error) {
	if name != "data" {
		return nil, oops.NotFound("No such volume: %s", name)
	}
	return theVolume, nil
}

func (f *fakeVolumes) Failed(context.Context, account.Ref, *store.Volume) (bool, error) {
	return false, nil
}

func (f *fakeVolumes) List(_ account.Ref, filters map[string][]string) ([]*store.Volume, error) {
	f.calls = append(f.calls, fmt.Sprintf("list %v", filters))
	return []*store.Volume{theVolume}, nil
}

func (f *fakeVolumes) Remove(_ context.Context, _ account.Ref, name string, force bool) error {
	f.calls = append(f.calls, fmt.Sprintf("remove %s %v", name, force))
	return oops.Conflict("volume is in use - [%s]", webID)
}

func (f *fakeVolumes) Prune(_ context.Context, _ account.Ref, match func(*store.Volume) bool, all bool) ([]string, int64, error) {
	f.calls = append(f.calls, fmt.Sprintf("prune %v, with k=v: %v", all, match(&store.Volume{Labels: map[string]string{"k": "v"}})))
	return []string{"old"}, 42, nil
}

// fakeFIPs hold 198.18.0.5.
type fakeFIPs struct{ calls []string }

var theFIP = netip.MustParseAddr("198.18.0.5")

func (f *fakeFIPs) note(format string, args ...any) error {
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
	return nil
}

func (f *fakeFIPs) Allocate(_ context.Context, _ account.Ref, count int) ([]netip.Addr, error) {
	if count > 2 {
		return nil, oops.Exhausted("the account may have 2 floating IPs")
	}
	return []netip.Addr{theFIP}, f.note("allocate %d", count)
}

func (f *fakeFIPs) Attach(_ context.Context, _ account.Ref, fip, c string) error {
	return f.note("attach %s %s", fip, c)
}

func (f *fakeFIPs) Move(_ context.Context, _ account.Ref, fip, c string) error {
	return f.note("move %s %s", fip, c)
}

func (f *fakeFIPs) Detach(_ context.Context, _ account.Ref, c string) (netip.Addr, error) {
	return theFIP, f.note("detach %s", c)
}

func (f *fakeFIPs) Release(_ context.Context, _ account.Ref, fip string) error {
	return f.note("release %s", fip)
}

func (f *fakeFIPs) Name(_ context.Context, _ account.Ref, fip, name string) error {
	return f.note("name %s %q", fip, name)
}

func (f *fakeFIPs) List(account.Ref, map[string][]string) ([]*store.FloatingIP, error) {
	return []*store.FloatingIP{{Address: theFIP, Name: "front", Container: webID}, {Address: theFIP.Next()}}, nil
}

type fakeSystem struct{}

func (fakeSystem) Info(context.Context, account.Ref) (system.Info, error) {
	return system.Info{
		Info: engine.Info{
			KernelVersion: "6.18", OperatingSystem: "Debian", Architecture: "x86_64", NCPU: 2, MemTotal: 1 << 30,
			CgroupVersion: "2", CgroupDriver: "cgroupfs", StorageDriver: "overlayfs", VolumeBackend: "reflink",
		},
		ID: "id", Name: "here", Containers: 2, Running: 1, Stopped: 1, Images: 1, Root: "/var/lib/hyper",
	}, nil
}

func (f *fakeVolumes) Resize(context.Context, account.Ref, string, int) error { return nil }

func (f *fakeVolumes) Usage(context.Context, account.Ref, *store.Volume) (int64, error) {
	return 1 << 20, nil
}

func (f *fakeVolumes) Initialize(context.Context, account.Ref, volume.InitializeRequest) (volume.Upload, error) {
	return volume.Upload{}, nil
}

func (f *fakeVolumes) Upload(context.Context, string, string, string, io.Reader) error { return nil }

func (f *fakeVolumes) FinishUpload(context.Context, account.Ref, string) error { return nil }
