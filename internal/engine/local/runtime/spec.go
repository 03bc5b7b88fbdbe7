package runtime

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/moby/profiles/seccomp"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// Limits of every container (behaviour 2.2).
const (
	limitFiles     = 1000000
	limitProcesses = 30604
	shmSize        = 64 << 20
)

// grantable are the capabilities that a tenant may add: they act only inside the container's own namespaces.
var grantable = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
	"CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE", "CAP_NET_BROADCAST",
	"CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_LEASE", "CAP_SYS_NICE", "CAP_DAC_READ_SEARCH", "CAP_LINUX_IMMUTABLE",
}

// spec is what runc is told.
func (r *Runtime) spec(ctx context.Context, a account.Ref, in engine.RunSpec) (*specs.Spec, error) {
	s, err := oci.GenerateSpec(ctx, nil, &containers.Container{ID: in.ID})
	if err != nil {
		return nil, err
	}
	p := s.Process
	p.Args, p.Env, p.Terminal = in.Args, in.Env, in.Tty
	p.Cwd = "/"
	if in.WorkingDir != "" {
		p.Cwd = filepath.Clean(in.WorkingDir)
	}
	if in.Tty && in.ConsoleSize != [2]uint16{} {
		p.ConsoleSize = &specs.Box{Height: uint(in.ConsoleSize[0]), Width: uint(in.ConsoleSize[1])}
	}
	p.NoNewPrivileges = false
	p.OOMScoreAdj = &in.OOMScoreAdj
	p.Rlimits = []specs.POSIXRlimit{
		rlimit("RLIMIT_NOFILE", unix.RLIMIT_NOFILE, limitFiles),
		rlimit("RLIMIT_NPROC", unix.RLIMIT_NPROC, limitProcesses),
	}
	if err := capabilities(p, in.CapAdd, in.CapDrop); err != nil {
		return nil, err
	}
	s.Hostname = in.Hostname
	s.Root = &specs.Root{Path: "rootfs", Readonly: in.ReadOnly}
	l := s.Linux
	l.Namespaces = []specs.LinuxNamespace{{Type: "pid"}, {Type: "ipc"}, {Type: "uts"}, {Type: "mount"}, {Type: "network"}, {Type: "user"}, {Type: "cgroup"}}
	l.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: a.HostID(), Size: account.IDCount}}
	l.GIDMappings = l.UIDMappings
	l.CgroupsPath = filepath.Join(r.CgroupParent, a.ID(), in.ID)
	l.Sysctl = map[string]string{"net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 65535"}
	for k, v := range in.Sysctls {
		if !strings.HasPrefix(k, "net.") && !strings.HasPrefix(k, "kernel.shm") && !strings.HasPrefix(k, "kernel.msg") && k != "kernel.sem" && !strings.HasPrefix(k, "fs.mqueue.") {
			return nil, oops.Invalid("sysctl %q is not of the container's own namespaces", k)
		}
		l.Sysctl[k] = v
	}
	limit(l.Resources, in.Limits)
	r.mounts(s, in)
	if err := r.user(ctx, s, in); err != nil {
		return nil, err
	}
	if in.Init {
		init := filepath.Join(r.Libexec, "hyper-init")
		if _, err := os.Stat(init); err != nil {
			return nil, oops.Unavailable("this machine has no init program: %v", err)
		}
		s.Mounts = append(s.Mounts, specs.Mount{Type: "bind", Source: init, Destination: "/sbin/hyper-init", Options: []string{"bind", "ro", "rprivate"}})
		p.Args = append([]string{"/sbin/hyper-init", "--"}, p.Args...)
	}
	if l.Seccomp, err = seccomp.GetDefaultProfile(s); err != nil {
		return nil, fmt.Errorf("making the seccomp profile: %w", err)
	}
	return s, nil
}

// rlimit is a limit of want, or what this process has if that is less: in a user namespace a limit cannot be raised.
func rlimit(name string, which int, want uint64) specs.POSIXRlimit {
	var own unix.Rlimit
	if err := unix.Getrlimit(which, &own); err == nil {
		want = min(want, own.Max)
	}
	return specs.POSIXRlimit{Type: name, Soft: want, Hard: want}
}

func capabilities(p *specs.Process, add, drop []string) error {
	have := slices.Clone(p.Capabilities.Bounding)
	norm := func(c string) string {
		c = strings.ToUpper(c)
		if !strings.HasPrefix(c, "CAP_") {
			c = "CAP_" + c
		}
		return c
	}
	for _, c := range drop {
		if norm(c) == "CAP_ALL" {
			have = nil
		}
		have = slices.DeleteFunc(have, func(x string) bool { return x == norm(c) })
	}
	for _, c := range add {
		switch {
		case norm(c) == "CAP_ALL":
			return oops.Forbidden("all capabilities at once are not offered: name those that are needed")
		case !slices.Contains(grantable, norm(c)):
			return oops.Forbidden("capability %s is not offered", norm(c))
		case !slices.Contains(have, norm(c)):
			have = append(have, norm(c))
		}
	}
	p.Capabilities = &specs.LinuxCapabilities{Bounding: have, Effective: have, Permitted: have}
	return nil
}

func limit(res *specs.LinuxResources, l engine.Limits) {
	if l.CPUs > 0 {
		quota, period := int64(l.CPUs)*100000, uint64(100000)
		res.CPU = &specs.LinuxCPU{Quota: &quota, Period: &period}
	}
	if l.Memory > 0 {
		res.Memory = &specs.LinuxMemory{Limit: &l.Memory}
		if swapAccounted() {
			res.Memory.Swap = &l.Memory
		}
	}
	if l.Pids > 0 {
		res.Pids = &specs.LinuxPids{Limit: &l.Pids}
	}
}

// swapAccounted reports whether the kernel can bound swap: v2 where there is swap accounting, v1 with memsw.
func swapAccounted() bool {
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		return true
	}
	_, err := os.Stat("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes")
	return err == nil
}

func (r *Runtime) mounts(s *specs.Spec, in engine.RunSpec) {
	size := in.ShmSize
	if size <= 0 {
		size = shmSize
	}
	for i, m := range s.Mounts {
		if m.Destination == "/dev/shm" {
			s.Mounts[i].Options = []string{"nosuid", "noexec", "nodev", "mode=1777", fmt.Sprintf("size=%d", size)}
		}
	}
	s.Mounts = slices.DeleteFunc(s.Mounts, func(m specs.Mount) bool { return m.Destination == "/run" })
	s.Mounts = append(s.Mounts, specs.Mount{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{"ro", "nosuid", "noexec", "nodev"}})
	for _, dst := range slices.Sorted(mapKeys(in.Tmpfs)) {
		s.Mounts = append(s.Mounts, specs.Mount{Destination: dst, Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "nodev", "noexec", "size=64m"}})
	}
	for _, m := range in.Mounts {
		opts := []string{"rbind", "rprivate", "rw"}
		if m.ReadOnly || !m.IDMap {
			opts[2] = "ro"
		}
		if m.IDMap {
			opts[0] = "bind"
			opts = append(opts, "idmap")
		}
		s.Mounts = append(s.Mounts, specs.Mount{Destination: m.Destination, Type: "bind", Source: m.Source, Options: opts})
	}
}

func mapKeys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
