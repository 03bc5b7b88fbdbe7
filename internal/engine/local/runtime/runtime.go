// Package runtime runs containers' processes through containerd's shim and runc.
//
// A container's root file system is a snapshot, "hyper-<container id>", with a label that holds it, from
// CreateContainer to RemoveContainer. What the container writes goes to a disk of its own, of a fixed size, where there
// are such disks; it is attached while the container runs. containerd's own record and the task exist from StartContainer until
// DeleteTask; the specification is made afresh at each start. Every container has a user namespace: root inside is
// the account's first host id outside, and the image's layers and the volumes are id-mapped.
//
// Output goes through named pipes under RunDir. hyperd reads them, writes the log and serves whoever is attached; the
// shim holds them open, so that a hyperd that died can be followed by another which reads on.
//
// Everything is kept by account and id: an id alone finds nothing.
//
// What an image or a running container holds is hostile. Its files are opened inside its root only (see openIn), and
// never waited for.
package runtime

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/door"
)

const snapshotter = "overlayfs"

// Config is what a Runtime is made of.
type Config struct {
	Client       *containerd.Client
	Disks        RootDisks
	DataRoot     string                             // logs are below
	RunDir       string                             // pipes and runc's state are below
	Libexec      string                             // directory of runc, containerd-shim-hyper-v2 and hyper-init
	LogRate      float64                            // bytes a second that an account's containers may write in the long run, a line counting 100 more; 0: any number
	Dial         door.Dialer                        // connects with addresses that tenants name; nil: no repositories are cloned
	CgroupParent string                             // such as /hyper; accounts' and containers' groups are below
	Trace        func(name string, start time.Time) // told how long the parts of a start take; may be nil
	Log          *slog.Logger                       // may be nil
}

// Runtime implements engine.Containers.
type Runtime struct {
	Config

	mu          sync.Mutex
	hubs        map[key]*hub
	live        map[key]*process
	intakes     map[string]*rate.Limiter       // by account
	turns       map[string]*semaphore.Weighted // by account
	memory      uint64                         // that the cloning of a repository may take, in bytes
	filesMemory uint64                         // that the work on files may take, in bytes
	chains      map[string]string              // image id to the key of its topmost layer
}

var _ engine.Containers = (*Runtime)(nil)

// key names a container: an id means nothing without its account.
type key struct{ account, id string }

func keyOf(a account.Ref, id string) key { return key{a.ID(), id} }

// New returns a Runtime. It puts Libexec before the process's PATH: the shim looks there for runc when containerd asks it
// what it can do.
func New(c Config) *Runtime {
	if c.Trace == nil {
		c.Trace = func(string, time.Time) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if path := os.Getenv("PATH"); !strings.HasPrefix(path, c.Libexec+string(filepath.ListSeparator)) {
		_ = os.Setenv("PATH", c.Libexec+string(filepath.ListSeparator)+path)
	}
	return &Runtime{Config: c, hubs: map[key]*hub{}, live: map[key]*process{}, intakes: map[string]*rate.Limiter{}, turns: map[string]*semaphore.Weighted{}, chains: map[string]string{}, memory: cloneMemory, filesMemory: filesMemory}
}

func (r *Runtime) tasks() tasksapi.TasksClient      { return r.Client.TaskService() }
func (r *Runtime) records() containers.Store        { return r.Client.ContainerService() }
func (r *Runtime) snapshots() snapshots.Snapshotter { return r.Client.SnapshotService(snapshotter) }

// scope makes ctx speak of an account's part of containerd.
func scope(ctx context.Context, a account.Ref) context.Context {
	return namespaces.WithNamespace(ctx, a.ID())
}

func (r *Runtime) ioDir(k key) string  { return filepath.Join(r.RunDir, "io", k.account, k.id) }
func (r *Runtime) logDir(k key) string { return filepath.Join(r.DataRoot, "logs", k.account, k.id) }
