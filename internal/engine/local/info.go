package local

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"

	"github.com/containerd/containerd/v2/pkg/namespaces"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/disk"
)

// Info implements engine.System.
func (e *Engine) Info(ctx context.Context) (engine.Info, error) {
	out := e.facts()
	out.VolumeBackend = e.Backend()
	out.RootfsQuota = e.config.RootfsSize > 0
	if !out.RootfsQuota {
		out.Warnings = append(out.Warnings, "root file systems of new containers are not limited, since limits.rootfs-gb is 0: one container can fill this machine's disk")
	}
	if out.VolumeBackend == "copy" {
		out.Warnings = append(out.Warnings, "snapshots of volumes are full copies on this machine: the data directory's file system has no reflinks, and XFS cannot be mounted")
	}
	var err error
	if out.Room, err = e.Room(); err != nil {
		return engine.Info{}, err
	}
	if scarce := disk.RoomWarning(out.Room); scarce != "" {
		out.Warnings = append(out.Warnings, scarce)
	}
	if cannot := e.cannotMapIDs(ctx); cannot != "" {
		out.Warnings = append(out.Warnings, cannot)
	}
	return out, nil
}

// cannotMapIDs is a sentence if containers cannot have ids of their own here.
func (e *Engine) cannotMapIDs(ctx context.Context) string {
	caps, err := e.daemon.Client().GetSnapshotterCapabilities(namespaces.WithNamespace(ctx, "info"), "overlayfs")
	if err == nil && !slices.Contains(caps, "remap-ids") {
		return "containers cannot be started on this machine: its kernel or the data directory's file system does not map ids on a mount; use Linux 6.1 or newer with ext4, XFS or btrfs"
	}
	return ""
}

// facts finds out, when first asked, what does not change while hyperd runs.
func facts(libexec, containerdVersion string) func() engine.Info {
	return sync.OnceValue(func() engine.Info {
		out := engine.Info{
			NCPU: goruntime.NumCPU(), OperatingSystem: osName("/etc/os-release"), CgroupVersion: "1", CgroupDriver: "cgroupfs",
			StorageDriver: "overlayfs", ContainerdVer: containerdVersion,
		}
		var u unix.Utsname
		if err := unix.Uname(&u); err == nil {
			out.KernelVersion, out.Architecture = unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Machine[:])
		}
		var si unix.Sysinfo_t
		if err := unix.Sysinfo(&si); err == nil {
			out.MemTotal = int64(si.Totalram) * int64(si.Unit)
		}
		if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
			out.CgroupVersion = "2"
		}
		out.RuncVer, _ = runcVersion(libexec)
		return out
	})
}

// runcVersion asks runc what it is.
func runcVersion(libexec string) (string, error) {
	raw, err := exec.Command(filepath.Join(libexec, "runc"), "--version").Output()
	if err != nil {
		return "", fmt.Errorf("asking runc for its version: %w", err)
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	return strings.TrimPrefix(first, "runc version "), nil
}

// osName reads the name that a distribution gives itself.
func osName(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return "Linux"
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		if v, ok := strings.CutPrefix(s.Text(), "PRETTY_NAME="); ok {
			return strings.Trim(v, `"'`)
		}
	}
	return "Linux"
}
