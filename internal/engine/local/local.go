// Package local is this machine as an engine: containerd inside the process, a network namespace as each account's
// router, ext4 disks in image files. It composes the packages below it and adds what is said of the machine as a whole.
package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/containerd"
	"github.com/hypercloud/hyper/internal/engine/local/disk"
	"github.com/hypercloud/hyper/internal/engine/local/images"
	"github.com/hypercloud/hyper/internal/engine/local/network"
	"github.com/hypercloud/hyper/internal/engine/local/runtime"
)

// Config is what an Engine is made of.
type Config struct {
	DataRoot       string
	RunDir         string
	Libexec        string
	Instance       string
	CgroupParent   string
	Mirrors        []string
	UplinkPool     netip.Prefix
	FIPPool        []netip.Prefix
	DNSUpstreams   []string
	VolumePoolSize int64
	Log            *slog.Logger
	Trace          func(name string, start time.Time)
}

// Engine is this machine.
type Engine struct {
	*images.Store
	*runtime.Runtime
	*disk.Disks
	*network.Network
	daemon *containerd.Daemon
}

var _ engine.Engine = (*Engine)(nil)

// New takes hold of the machine. Containers of an earlier hyperd go on running.
func New(ctx context.Context, c Config) (*Engine, error) {
	for _, program := range []string{"runc", "containerd-shim-runc-v2"} {
		if _, err := os.Stat(filepath.Join(c.Libexec, program)); err != nil {
			return nil, fmt.Errorf("%s is missing in %s: run 'make build', or name its directory by --libexec", program, c.Libexec)
		}
	}
	d, err := containerd.Start(ctx, containerd.Config{Root: filepath.Join(c.DataRoot, "containerd"), State: filepath.Join(c.RunDir, "containerd"), Log: c.Log})
	if err != nil {
		return nil, err
	}
	e := &Engine{daemon: d}
	e.Store = images.New(images.Config{Client: d.Client(), Mirrors: c.Mirrors})
	e.Runtime = runtime.New(runtime.Config{
		Client: d.Client(), DataRoot: c.DataRoot, RunDir: c.RunDir, Libexec: c.Libexec, CgroupParent: c.CgroupParent, Trace: c.Trace,
	})
	e.Disks, err = disk.New(ctx, disk.Config{Dir: filepath.Join(c.DataRoot, "volumes"), RunDir: filepath.Join(c.RunDir, "volumes"), PoolSize: c.VolumePoolSize, Log: c.Log})
	if err != nil {
		_ = d.Close()
		return nil, fmt.Errorf("opening the volumes: %w", err)
	}
	e.Network, err = network.New(ctx, network.Config{
		Instance: c.Instance, RunDir: c.RunDir, UplinkPool: c.UplinkPool, FIPPool: c.FIPPool, DNSUpstreams: c.DNSUpstreams, Log: c.Log,
	})
	if err != nil {
		_ = d.Close()
		return nil, fmt.Errorf("setting up the network: %w", err)
	}
	return e, nil
}

// Reap implements engine.System. Processes go first: they hold everything else.
func (e *Engine) Reap(ctx context.Context, keep []engine.Keep) error {
	for _, part := range []func(context.Context, []engine.Keep) error{e.Runtime.Reap, e.Disks.Reap, e.Network.Reap, e.Store.Reap} {
		if err := part(ctx, keep); err != nil {
			return err
		}
	}
	return nil
}

// Close implements engine.System.
func (e *Engine) Close() error {
	return errors.Join(e.Network.Close(), e.Disks.Close(), e.daemon.Close())
}
