package docker

import (
	"context"
	"io"
	"net"
	"net/http"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/build"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/cloud/registry"
	"github.com/hypercloud/hyper/internal/cloud/system"
	"github.com/hypercloud/hyper/internal/cloud/usage"
	"github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

// Containers is what the calls need of container.Service.
type Containers interface {
	Lifecycle
	Streams
	Execs
	Files

	Get(a account.Ref, ref string) (*container.Container, error)
	List(ctx context.Context, a account.Ref, opts container.ListOptions) ([]*container.Container, error)
	Create(ctx context.Context, a account.Ref, req container.CreateRequest) (container.Created, error)
	Estimate(ctx context.Context, a account.Ref, req container.CreateRequest) (container.Prospect, error)
	Update(ctx context.Context, a account.Ref, ref string, req container.UpdateRequest) (warnings []string, err error)
	Rename(ctx context.Context, a account.Ref, ref, newName string) error
	Remove(ctx context.Context, a account.Ref, ref string, opts container.RemoveOptions) (notices []string, err error)
	Prune(ctx context.Context, a account.Ref, match func(*container.Container) bool) (ids []string, err error)
	Top(ctx context.Context, a account.Ref, ref string, psArgs []string) (container.Processes, error)
	Stats(ctx context.Context, a account.Ref, ref string) (engine.Stats, error)
	Health(a account.Ref, containerID string) *container.Health
	Labels(a account.Ref, c *container.Container) map[string]string
	SizeRw(ctx context.Context, a account.Ref, id string) (int64, error)
	Connect(ctx context.Context, a account.Ref, ref string, req network.EndpointRequest) error
	Disconnect(ctx context.Context, a account.Ref, ref, network string) error
	Commit(ctx context.Context, a account.Ref, ref string, req container.CommitRequest) (imageID string, err error)
}

// Networks is what the calls need of network.Service.
type Networks interface {
	Networks(a account.Ref) []*store.Network
	Get(a account.Ref, ref string) (*store.Network, error)
	Used(a account.Ref, n *store.Network) bool
	Places(a account.Ref, c *store.Container) []network.Place
	Create(ctx context.Context, a account.Ref, req network.CreateRequest) (*store.Network, error)
	Remove(ctx context.Context, a account.Ref, ref string) error
	Prune(ctx context.Context, a account.Ref, match func(*store.Network) bool) (names []string, err error)
}

// Lifecycle starts and ends containers.
type Lifecycle interface {
	Start(ctx context.Context, a account.Ref, ref string) error
	Stop(ctx context.Context, a account.Ref, ref string, opts container.StopOptions) error
	Restart(ctx context.Context, a account.Ref, ref string, opts container.StopOptions) error
	Kill(ctx context.Context, a account.Ref, ref, signal string) error
	Pause(ctx context.Context, a account.Ref, ref string) error
	Unpause(ctx context.Context, a account.Ref, ref string) error
	Wait(ctx context.Context, a account.Ref, ref string, cond container.WaitCondition) (<-chan container.WaitResult, error)
}

// Streams connects clients with containers.
type Streams interface {
	Attach(ctx context.Context, a account.Ref, ref string, opts container.AttachOptions) error
	Logs(ctx context.Context, a account.Ref, ref string, opts engine.LogOptions, fn func(engine.LogEntry) error) error
	Resize(ctx context.Context, a account.Ref, ref string, rows, cols uint16) error
}

// Execs runs further processes in containers.
type Execs interface {
	ExecCreate(ctx context.Context, a account.Ref, ref string, cfg container.ExecConfig) (id string, err error)
	ExecStart(ctx context.Context, a account.Ref, execID string, streams engine.Streams, detach bool, consoleSize [2]uint16) error
	ExecResize(ctx context.Context, a account.Ref, execID string, rows, cols uint16) error
	ExecInspect(a account.Ref, execID string) (container.Exec, error)
	ExecIDs(a account.Ref, containerID string) []string
}

// Files reads and writes containers' files.
type Files interface {
	StatFile(ctx context.Context, a account.Ref, ref, path string) (engine.FileStat, error)
	ReadFiles(ctx context.Context, a account.Ref, ref, path string, begin func(engine.FileStat), w io.Writer) error
	WriteFiles(ctx context.Context, a account.Ref, ref string, req container.WriteRequest, r io.Reader) error
	Export(ctx context.Context, a account.Ref, ref string, begin func(), w io.Writer) error
	Changes(ctx context.Context, a account.Ref, ref string) ([]engine.FileChange, error)
}

// Images is what the calls need of image.Service.
type Images interface {
	Pull(ctx context.Context, a account.Ref, req image.PullRequest, out func(image.Message)) error
	Find(a account.Ref, ref string) (*store.Image, error)
	CheckFilters(a account.Ref, filters map[string][]string) error
	List(a account.Ref, opts image.ListOptions) []image.Summary
	Names(a account.Ref, id string) (repoTags, repoDigests []string)
	Remove(ctx context.Context, a account.Ref, ref string, force bool) ([]image.Removed, error)
	Prune(ctx context.Context, a account.Ref, match func(*store.Image) bool, dangling bool) ([]image.Removed, int64, error)
	Tag(ctx context.Context, a account.Ref, ref, repository, tag string) error
	ImageArchives
	Registries
}

// Registries are asked for what is not here.
type Registries interface {
	Search(ctx context.Context, a account.Ref, req image.SearchRequest) ([]engine.SearchResult, error)
	Look(ctx context.Context, a account.Ref, req image.PullRequest) (engine.RemoteImage, error)
}

// ImageArchives takes images out of archives, writes them into such, and sends them to registries.
type ImageArchives interface {
	Load(ctx context.Context, a account.Ref, req image.LoadRequest, loaded func(image.Loaded)) error
	Import(ctx context.Context, a account.Ref, req image.ImportRequest) (imageID string, err error)
	Download(ctx context.Context, a account.Ref, url string) (io.ReadCloser, int64, error)
	Present(a account.Ref, layers [][]string) ([]string, error)
	Save(ctx context.Context, a account.Ref, refs []string, begin func(), w io.Writer) error
	Push(ctx context.Context, a account.Ref, req image.PushRequest, out func(image.Message)) (image.Pushed, error)
}

// Volumes is what the calls need of volume.Service.
type Volumes interface {
	Create(ctx context.Context, a account.Ref, req volume.CreateRequest) (*store.Volume, error)
	Ensure(ctx context.Context, a account.Ref, req volume.CreateRequest) (*store.Volume, error)
	Find(a account.Ref, name string) (*store.Volume, error)
	List(a account.Ref, filters map[string][]string) ([]*store.Volume, error)
	Usage(ctx context.Context, a account.Ref, v *store.Volume) (bytes int64, err error)
	Remove(ctx context.Context, a account.Ref, name string, force bool) error
	Prune(ctx context.Context, a account.Ref, match func(*store.Volume) bool, all bool) (names []string, bytes int64, err error)
	Failed(ctx context.Context, a account.Ref, v *store.Volume) (bool, error)
}

// Usage is what the calls need of usage.Service.
type Usage interface {
	Estimate(a account.Ref, p container.Prospect) (usage.Estimate, error)
}

// System is what the calls need of system.Service.
type System interface {
	Info(ctx context.Context, a account.Ref) (system.Info, error)
}

// Logins is what the calls need of registry.Service. The server "" is Docker Hub.
type Logins interface {
	Login(ctx context.Context, a account.Ref, server, username, password, token string) error
}

// Builds is what the calls need of build.Service.
type Builds interface {
	Build(ctx context.Context, a account.Ref, req build.Request, progress io.Writer) (imageID string, err error)
	Prune(ctx context.Context, a account.Ref, req build.PruneRequest) (build.Pruned, error)
	Ready(ctx context.Context, a account.Ref) error
	Control(ctx context.Context, a account.Ref, conn net.Conn) error
	Session(ctx context.Context, a account.Ref, conn net.Conn, header http.Header) error
}

// The services of internal/cloud are what the interfaces are made after.
var (
	_ Containers = (*container.Service)(nil)
	_ Images     = (*image.Service)(nil)
	_ Volumes    = (*volume.Service)(nil)
	_ System     = (*system.Service)(nil)
	_ Usage      = (*usage.Service)(nil)
	_ Logins     = (*registry.Service)(nil)
	_ Builds     = (*build.Service)(nil)
)
