package local

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine"
)

// Info implements engine.System.
func (e *Engine) Info(ctx context.Context) (engine.Info, error) {
	out := engine.Info{NCPU: goruntime.NumCPU(), OperatingSystem: osName(), CgroupVersion: "1", CgroupDriver: "cgroupfs",
		StorageDriver: "overlayfs", VolumeBackend: e.Backend(), ContainerdVer: e.daemon.Version()}
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
	if raw, err := exec.CommandContext(ctx, filepath.Join(e.Libexec, "runc"), "--version").Output(); err == nil {
		first, _, _ := strings.Cut(string(raw), "\n")
		out.RuncVer = strings.TrimPrefix(first, "runc version ")
	}
	out.Warnings = append(out.Warnings, "root file systems are not limited to 10 GB on this machine: overlayfs on its file system has no quota that hyperd could set")
	if out.VolumeBackend == "copy" {
		out.Warnings = append(out.Warnings, "the volumes' file system has no reflinks: snapshots would be full copies")
	}
	return out, nil
}

func osName() string {
	f, err := os.Open("/etc/os-release")
	if err != nil {
		return "Linux"
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		if v, ok := strings.CutPrefix(s.Text(), "PRETTY_NAME="); ok {
			return strings.Trim(v, `"`)
		}
	}
	return "Linux"
}
