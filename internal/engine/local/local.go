// Package local is this machine as an engine: containerd inside the process, a network namespace as each account's
// router, ext4 disks in image files.
//
// The work is done by the packages below it, which do not know of each other: containerd holds images and tasks for
// images and runtime; runtime is given root disks by disk; network stands alone. This package opens them in their order, and says what there is to say
// of the machine as a whole: what it is (Info), what of it is nobody's (Reap), and how to leave no trace (Destroy).
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

	"go4.org/netipx"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/containerd"
	"github.com/hypercloud/hyper/internal/engine/local/disk"
	"github.com/hypercloud/hyper/internal/engine/local/door"
	"github.com/hypercloud/hyper/internal/engine/local/images"
	"github.com/hypercloud/hyper/internal/engine/local/network"
	"github.com/hypercloud/hyper/internal/engine/local/runtime"
)

// Config is what an Engine is made of.
type Config struct {
	DataRoot         string                // everything that must survive a reboot
	RunDir           string                // sockets, pipes and mounts
	Libexec          string                // directory of runc, containerd-shim-hyper-v2 and hyper-init
	Instance         string                // names this engine's interfaces and tables: a-z and 0-9
	CgroupParent     string                // such as /hyper
	Permit           func(netip.Addr) bool // which addresses registries that tenants name may have; nil: any but this machine's own
	Dial             door.Dialer           // connects with addresses that tenants name; nil: no repositories are cloned
	Mirrors          []string              // base URLs of registries that are asked before docker.io
	UplinkPool       netip.Prefix          // links between the machine and the accounts' routers
	FIPPools         []netipx.IPRange      // of floating IPs
	FIPs             *netipx.IPSet         // of the pools, what can be a floating IP
	MTU              int                   // bytes of a packet from or to containers; 0: that of the interface with the default route
	DNSUpstreams     []string              // none: those of /etc/resolv.conf
	VolumePoolSize   int64                 // bytes of the pool file, where one is needed; 0: most of the disk
	VolumeOvercommit float64               // how many times the disk all volumes may have together; 0: any number of times
	VolumeReserve    uint64                // bytes of the disk that are kept for data that are there; 0: a fiftieth
	RootfsSize       int64                 // bytes of a new container's root disk; 0: root file systems have no limit
	LogRate          float64               // bytes a second of an account's output; 0: any number
	Log              *slog.Logger
	Trace            func(name string, start time.Time)
}

// Engine is this machine.
type Engine struct {
	*images.Store
	*runtime.Runtime
	*disk.Disks
	*network.Network
	config Config
	daemon *containerd.Daemon
	facts  func() engine.Info // what does not change while hyperd runs
}

var _ engine.Engine = (*Engine)(nil)

// New takes hold of the machine. Containers of an earlier hyperd go on running.
func New(ctx context.Context, c Config) (_ *Engine, err error) {
	for _, program := range []string{"runc", "containerd-shim-hyper-v2", "hyper-files", "hyper-git"} {
		if _, err := os.Stat(filepath.Join(c.Libexec, program)); err != nil {
			return nil, fmt.Errorf("%s is missing in %s: run 'make build', or name its directory by --libexec", program, c.Libexec)
		}
	}
	version, err := runcVersion(c.Libexec)
	if err == nil {
		err = checkRunc(version)
	}
	if err != nil {
		return nil, err
	}
	e := &Engine{config: c}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	e.daemon, err = containerd.Start(ctx, containerd.Config{
		Root: filepath.Join(c.DataRoot, "containerd"), State: filepath.Join(c.RunDir, "containerd"), Log: c.Log,
	})
	if err != nil {
		return nil, err
	}
	e.facts = facts(c.Libexec, e.daemon.Version())
	e.Disks, err = disk.New(ctx, disk.Config{
		Dir: filepath.Join(c.DataRoot, "volumes"), RunDir: filepath.Join(c.RunDir, "volumes"), PoolSize: c.VolumePoolSize,
		Overcommit: c.VolumeOvercommit, Reserve: c.VolumeReserve, Log: c.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("opening the volumes: %w", err)
	}
	e.Store = images.New(images.Config{Client: e.daemon.Client(), Mirrors: c.Mirrors, Permit: c.Permit, Dir: c.DataRoot, Headroom: int64(e.Disks.Reserve())})
	e.Runtime = runtime.New(runtime.Config{
		Client: e.daemon.Client(), Disks: e.Roots(c.RootfsSize), DataRoot: c.DataRoot, RunDir: c.RunDir, Libexec: c.Libexec,
		Dial: c.Dial, LogRate: c.LogRate, CgroupParent: c.CgroupParent, Trace: c.Trace, Log: c.Log,
	})
	e.Network, err = network.New(ctx, network.Config{
		Instance: c.Instance, RunDir: c.RunDir, UplinkPool: c.UplinkPool, FIPPools: c.FIPPools, FIPs: c.FIPs, MTU: c.MTU, DNSUpstreams: c.DNSUpstreams, Log: c.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("setting up the network: %w", err)
	}
	return e, nil
}

// Reap implements engine.System. Processes go first: they hold everything else. What cannot be removed does not keep the
// rest from being removed.
func (e *Engine) Reap(ctx context.Context, keep []engine.Keep) error {
	return errors.Join(e.Runtime.Reap(ctx, keep), e.Disks.Reap(ctx, keep), e.Network.Reap(ctx, keep), e.Store.Reap(ctx, keep))
}

// Close implements engine.System.
func (e *Engine) Close() error {
	var errs []error
	if e.Network != nil {
		errs = append(errs, e.Network.Close())
	}
	if e.Disks != nil {
		errs = append(errs, e.Disks.Close())
	}
	if e.daemon != nil {
		errs = append(errs, e.daemon.Close())
	}
	return errors.Join(errs...)
}
