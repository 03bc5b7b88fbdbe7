// Package containerd runs containerd inside hyperd.
//
// Its data lives under Config.Root, its sockets and bundles under Config.State. A containerd namespace is an account,
// named by the account's id. Blobs are stored once for all namespaces, and a namespace sees only what was sent to
// it in full ("isolated"): who knows the digest of a private image has nothing of it. Shims are processes of their own: they
// outlive hyperd, and are found again under State by the next one.
//
// hyperd's own client calls the services in the process. Two sockets, for root alone, are served besides: one that
// shims send their events to, and one for an operator who wants to look inside with ctr.
package containerd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/cmd/containerd/server"
	srvconfig "github.com/containerd/containerd/v2/cmd/containerd/server/config"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/version"
	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"
)

// Config says where containerd keeps its things.
type Config struct {
	Root  string // data, survives a reboot
	State string // sockets and bundles
	// Log receives containerd's errors as warnings and the rest as debugging. nil: nothing is told. It holds for all of the process.
	Log *slog.Logger
}

// Daemon is a running containerd.
type Daemon struct {
	server *server.Server
	client *containerd.Client
	cancel context.CancelFunc
	lock   *os.File
	config Config
	once   sync.Once
}

// Start starts containerd. It serves until Close, whatever becomes of ctx. One containerd runs in a process at a time, and one
// on a Root: a second one's Start fails.
func Start(ctx context.Context, c Config) (*Daemon, error) {
	quiet(c.Log)
	cfg := configure(c)
	if err := server.CreateTopLevelDirectories(cfg); err != nil {
		return nil, fmt.Errorf("making containerd's directories: %w", err)
	}
	lock, err := take(c.Root)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	d := &Daemon{cancel: cancel, lock: lock, config: c}
	if err := d.start(ctx, cfg, sockets(c)); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Daemon) start(ctx context.Context, cfg *srvconfig.Config, paths []string) error {
	if err := os.MkdirAll(socketDir(d.config.State), 0o711); err != nil {
		return fmt.Errorf("making a directory for sockets: %w", err)
	}
	for _, s := range paths {
		_ = os.Remove(s) // of an earlier run
	}
	var h hand
	srv, err := server.New(withHand(ctx, &h), cfg)
	if err != nil {
		return fmt.Errorf("starting containerd: %w", err)
	}
	d.server, d.client = srv, h.client
	// A process that died while it made a snapshot leaves a directory that no record names, and its number is given again:
	// the next snapshot would find its place taken.
	if err := sweep(ctx, h.sweep, d.config.Root); err != nil {
		return fmt.Errorf("sweeping the snapshots' directory: %w", err)
	}
	if err := srv.Start(ctx); err != nil {
		return fmt.Errorf("serving containerd: %w", err)
	}
	for _, s := range paths {
		if err := os.Chmod(s, 0o600); err != nil {
			return fmt.Errorf("closing containerd's socket to others: %w", err)
		}
	}
	return nil
}

// sweep removes the directories of snapshots that no record names.
func sweep(ctx context.Context, c snapshots.Cleaner, root string) error {
	err := c.Cleanup(ctx)
	if errdefs.IsNotFound(err) { // nothing was ever recorded
		return os.RemoveAll(filepath.Join(root, "io.containerd.snapshotter.v1.overlayfs", "snapshots", "1"))
	}
	return err
}

// shimEnv is for runc more than for the shim. What a shim runs (runc, four times in a container's life) is over in milliseconds:
// more threads, collections and preemption would only cost. The shim itself collects again (cmd/containerd-shim-hyper-v2).
var shimEnv = []string{"GOMAXPROCS=1", "GOGC=off", "GODEBUG=asyncpreemptoff=1"}

func configure(c Config) *srvconfig.Config {
	paths := sockets(c)
	return &srvconfig.Config{
		Version: version.ConfigVersion,
		Root:    c.Root,
		State:   c.State,
		Plugins: map[string]any{
			"io.containerd.server.v1.grpc":   map[string]any{"address": paths[0]},
			"io.containerd.server.v1.ttrpc":  map[string]any{"address": paths[1]},
			"io.containerd.metadata.v1.bolt": map[string]any{"content_sharing_policy": "isolated"},
			// A removed image's or container's bytes are freed soon after, and many removals in one go.
			"io.containerd.gc.v1.scheduler": map[string]any{
				"deletion_threshold": 1, "mutation_threshold": 100, "schedule_delay": "200ms", "startup_delay": "2s",
			},
			"io.containerd.shim.v1.manager": map[string]any{"socket_dir": filepath.Join(socketDir(c.State), "s"), "env": shimEnv},
			// Where the kernel cannot map ids on a mount, a container fails to start rather than having its image copied.
			"io.containerd.snapshotter.v1.overlayfs": map[string]any{"slow_chown": false},
		},
		DisabledPlugins: disabled,
		RequiredPlugins: required,
	}
}

// take locks Root for this process. The kernel lets go of the lock when the process ends, however it ends.
func take(root string) (*os.File, error) {
	f, err := os.Open(root)
	if err != nil {
		return nil, fmt.Errorf("opening containerd's directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s is in use by another hyperd", root)
		}
		return nil, fmt.Errorf("locking %s: %w", root, err)
	}
	return f, nil
}

// Client speaks to the containerd. Calls name the account by namespaces.WithNamespace. It serves no
// version or health calls: it has no connection that could be asked.
func (d *Daemon) Client() *containerd.Client { return d.client }

// Version is containerd's version: 2.4.2.
func (d *Daemon) Version() string {
	v, _, _ := strings.Cut(version.Version, "+")
	return v
}

// Close stops containerd. Containers keep running. A second call does nothing.
func (d *Daemon) Close() (err error) {
	d.once.Do(func() {
		d.cancel()
		if d.server != nil {
			d.server.Stop()
		}
		err = d.lock.Close()
	})
	return err
}

// Destroy is Close for good, when there are no containers any more: it removes what is outside of Root and State.
func (d *Daemon) Destroy() error {
	err := d.Close()
	if dir := socketDir(d.config.State); dir != d.config.State {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}
