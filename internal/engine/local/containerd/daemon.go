// Package containerd runs containerd inside hyperd.
//
// Its data lives under Config.Root, its sockets and bundles under Config.State. A containerd namespace is an account,
// named by the account's id; content is shared on disk between namespaces, and a namespace sees only what it
// has fetched itself ("isolated"). Shims are processes of their own: they outlive hyperd, and are found again
// under State by the next one.
package containerd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/cmd/containerd/server"
	srvconfig "github.com/containerd/containerd/v2/cmd/containerd/server/config"
	"github.com/containerd/containerd/v2/defaults"
	"github.com/containerd/log"
	"github.com/sirupsen/logrus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Config says where containerd keeps its things.
type Config struct {
	Root  string // data, survives a reboot
	State string // sockets and bundles
}

// Daemon is a running containerd.
type Daemon struct {
	server *server.Server
	client *containerd.Client
	socket string
}

// Start starts containerd and connects to it. It must be called once in a process.
func Start(ctx context.Context, c Config) (*Daemon, error) {
	logrus.SetLevel(logrus.ErrorLevel)
	_ = log.SetLevel("error")
	for _, dir := range []string{c.Root, c.State} {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return nil, fmt.Errorf("making containerd's directories: %w", err)
		}
	}
	// A socket's path has at most 107 bytes, shorter than many a data directory: the sockets get short names.
	socket := filepath.Join(c.State, "c.sock")
	cfg := &srvconfig.Config{
		Version: 4,
		Root:    c.Root,
		State:   c.State,
		Plugins: map[string]any{
			"io.containerd.server.v1.grpc":           map[string]any{"address": socket},
			"io.containerd.server.v1.ttrpc":          map[string]any{"address": socket + ".ttrpc"},
			"io.containerd.metadata.v1.bolt":         map[string]any{"content_sharing_policy": "isolated"},
			"io.containerd.gc.v1.scheduler":          map[string]any{"schedule_delay": "50ms", "startup_delay": "2s", "mutation_threshold": 50},
			"io.containerd.shim.v1.manager":          map[string]any{"socket_dir": filepath.Join(c.State, "s")},
			"io.containerd.snapshotter.v1.overlayfs": map[string]any{"slow_chown": false},
		},
		RequiredPlugins: []string{"io.containerd.snapshotter.v1.overlayfs", "io.containerd.runtime.v2.task", "io.containerd.metadata.v1.bolt"},
	}
	if err := server.CreateTopLevelDirectories(cfg); err != nil {
		return nil, fmt.Errorf("making containerd's directories: %w", err)
	}
	// Sockets of an earlier run are in the way.
	for _, s := range []string{socket, socket + ".ttrpc"} {
		_ = os.Remove(s)
	}
	ctx = context.WithoutCancel(ctx)
	srv, err := server.New(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("starting containerd: %w", err)
	}
	if err := srv.Start(ctx); err != nil {
		return nil, fmt.Errorf("serving containerd: %w", err)
	}
	client, err := containerd.New(socket, containerd.WithTimeout(20*time.Second), containerd.WithExtraDialOpts([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(defaults.DefaultMaxRecvMsgSize), grpc.MaxCallSendMsgSize(defaults.DefaultMaxSendMsgSize)),
	}))
	if err != nil {
		srv.Stop()
		return nil, fmt.Errorf("connecting to containerd: %w", err)
	}
	return &Daemon{server: srv, client: client, socket: socket}, nil
}

// Client speaks to the containerd. Calls name the account by namespaces.WithNamespace.
func (d *Daemon) Client() *containerd.Client { return d.client }

// Close stops containerd. Containers keep running.
func (d *Daemon) Close() error {
	err := d.client.Close()
	d.server.Stop()
	return err
}
