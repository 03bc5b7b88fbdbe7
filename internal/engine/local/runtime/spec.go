package runtime

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/containerd/containerd/v2/core/mount"
	"github.com/moby/profiles/seccomp"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

const initPath = "/sbin/hyper-init" // inside

// spec is what runc is told: Docker's defaults, a user namespace of the account's ids, and a network namespace that runc
// makes, so that it belongs to that user namespace.
func (r *Runtime) spec(a account.Ref, in engine.RunSpec, rootfs []mount.Mount) (*specs.Spec, error) {
	s := &specs.Spec{
		Version:  specs.Version,
		Root:     &specs.Root{Path: "rootfs", Readonly: in.ReadOnly},
		Hostname: in.Hostname,
		Process: &specs.Process{
			NoNewPrivileges: in.NoNewPrivileges,
			Args:            in.Args, Env: in.Env, Terminal: in.Tty, Cwd: path.Clean("/" + in.WorkingDir),
			Rlimits: rlimits(), OOMScoreAdj: oomScore(in.OOMScoreAdj),
		},
		Linux: &specs.Linux{
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace}, {Type: specs.MountNamespace},
				{Type: specs.NetworkNamespace}, {Type: specs.UserNamespace}, {Type: specs.CgroupNamespace},
			},
			UIDMappings:   []specs.LinuxIDMapping{{ContainerID: 0, HostID: a.HostID(), Size: account.IDCount}},
			GIDMappings:   []specs.LinuxIDMapping{{ContainerID: 0, HostID: a.HostID(), Size: account.IDCount}},
			CgroupsPath:   r.cgroup(a.ID(), in.ID),
			Resources:     resources(in.Limits),
			MaskedPaths:   maskedPaths,
			ReadonlyPaths: readonlyPaths,
		},
	}
	if len(in.Args) == 0 {
		return nil, oops.Invalid("no command is specified")
	}
	if in.Tty {
		s.Process.ConsoleSize = box(in.ConsoleSize)
	}
	var err error
	if s.Process.Capabilities, err = capabilities(in.CapAdd, in.CapDrop); err != nil {
		return nil, err
	}
	if s.Linux.Sysctl, err = sysctls(in.Sysctls); err != nil {
		return nil, err
	}
	if s.Mounts, err = mounts(in); err != nil {
		return nil, err
	}
	if in.Init {
		if err := r.addInit(s); err != nil {
			return nil, err
		}
	}
	if in.Builder {
		if err := r.makeBuilder(s); err != nil {
			return nil, err
		}
	}
	if s.Linux.Seccomp, err = filter(s); err != nil {
		return nil, err
	}
	if in.Builder {
		letBuild(s.Linux.Seccomp)
	}
	if err := r.prepareUser(a, s, in, rootfs); err != nil {
		return nil, err
	}
	return s, nil
}

// filter is Docker's system call filter for a container with these capabilities, less one architecture: nobody uses x32,
// most kernels lack it, and compiling the filter for it takes a good part of a start.
func filter(s *specs.Spec) (*specs.LinuxSeccomp, error) {
	out, err := seccomp.GetDefaultProfile(s)
	if err != nil {
		return nil, fmt.Errorf("making the seccomp profile: %w", err)
	}
	out.Architectures = slices.DeleteFunc(out.Architectures, func(a specs.Arch) bool { return a == specs.ArchX32 })
	return out, nil
}

// addInit puts a first process before the container's own that reaps orphans and hands on signals.
func (r *Runtime) addInit(s *specs.Spec) error {
	program := filepath.Join(r.Libexec, "hyper-init")
	if _, err := os.Stat(program); err != nil {
		return oops.Unavailable("this machine has no init program for --init: %v", err)
	}
	s.Mounts = append(s.Mounts, specs.Mount{Type: "bind", Source: program, Destination: initPath, Options: []string{"bind", "ro", "rprivate", "nosuid", "nodev"}})
	s.Process.Args = append([]string{initPath, "--"}, s.Process.Args...)
	return nil
}

// prepareUser finds the process's ids in the container's files and, for another than root, makes its working directory:
// runc would make it root's.
func (r *Runtime) prepareUser(a account.Ref, s *specs.Spec, in engine.RunSpec, rootfs []mount.Mount) error {
	missing := false
	err := r.withMounts(toRead(rootfs), func(root string) (err error) {
		if s.Process.User, err = lookup(root, in.User, in.GroupAdd); err != nil {
			return err
		}
		if s.Process.User.UID != 0 && !insideMount(s.Process.Cwd, in) {
			f, err := openIn(root, s.Process.Cwd, unix.O_PATH|unix.O_DIRECTORY)
			if missing = errors.Is(err, os.ErrNotExist); err == nil {
				f.Close()
			}
		}
		return nil
	})
	if err != nil || !missing {
		return err
	}
	return r.withMounts(rootfs, func(root string) error {
		u := s.Process.User
		// If it cannot be made, runc says so.
		_ = makeDirIn(root, s.Process.Cwd, int(a.HostID()+u.UID), int(a.HostID()+u.GID))
		return nil
	})
}

// insideMount reports whether a path of the container is not in its root file system but in what is mounted over it.
func insideMount(name string, in engine.RunSpec) bool {
	inside := func(dst string) bool {
		dst = path.Clean("/" + dst)
		return name == dst || strings.HasPrefix(name, dst+"/")
	}
	for _, m := range in.Mounts {
		if inside(m.Destination) {
			return true
		}
	}
	for dst := range in.Tmpfs {
		if inside(dst) {
			return true
		}
	}
	return false
}

// Sysctls of every container: any port may be bound and ping works without privileges. The group range ends
// where the user namespace does.
var defaultSysctls = map[string]string{
	"net.ipv4.ip_unprivileged_port_start": "0",
	"net.ipv4.ping_group_range":           "0 65535",
}

var sysctlPattern = regexp.MustCompile(`^(net\.[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*|kernel\.(shm|msg)[a-z_]+|kernel\.sem|fs\.mqueue\.[a-z_]+)$`)

// sysctls adds a user's settings. Only those of the container's own namespaces can be set.
func sysctls(user map[string]string) (map[string]string, error) {
	out := map[string]string{}
	maps.Copy(out, defaultSysctls)
	for k, v := range user {
		if !sysctlPattern.MatchString(k) {
			return nil, oops.Invalid("sysctl %q is not one of the container's own namespaces: net.*, kernel.shm*, kernel.msg*, kernel.sem and fs.mqueue.* can be set", k)
		}
		out[k] = v
	}
	return out, nil
}
