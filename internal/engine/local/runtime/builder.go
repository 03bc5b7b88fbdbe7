package runtime

import (
	"os"
	"path/filepath"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// builderPrograms is the directory in libexec of what a builder consists of. It is mounted as one: runc protects itself by an overlay over the
// directory that it lies in, where mounts of single files would not show.
const builderPrograms = "builder"

// makeBuilder gives a container what it takes to make containers within itself: it may mount, in its own user and mount namespaces,
// and nothing of /proc is covered, since the kernel lets nobody mount another /proc who does not see all of his own. What is built runs in
// containers of BuildKit's, which have Docker's capabilities, filter and covered files again.
func (r *Runtime) makeBuilder(s *specs.Spec) error {
	c := s.Process.Capabilities
	c.Bounding = append(c.Bounding, "CAP_SYS_ADMIN")
	c.Effective, c.Permitted = c.Bounding, c.Bounding
	s.Linux.MaskedPaths, s.Linux.ReadonlyPaths = nil, nil
	programs := filepath.Join(r.Libexec, builderPrograms)
	if _, err := os.Stat(filepath.Join(programs, "buildkitd")); err != nil {
		return oops.Unavailable("this machine cannot build images: what it takes is missing beside hyperd: %v", err)
	}
	s.Mounts = append(s.Mounts, specs.Mount{
		Type: "bind", Source: programs, Destination: engine.BuilderDir, Options: []string{"bind", "ro", "rprivate", "nosuid", "nodev"},
	})
	return nil
}

// letBuild opens the filter for what runc needs and Docker's filter grants to nobody: another root. Keyrings stay closed; runc does
// without them where the kernel says that it has none.
func letBuild(f *specs.LinuxSeccomp) {
	absent := uint(unix.ENOSYS)
	f.Syscalls = append(f.Syscalls,
		specs.LinuxSyscall{Names: []string{"pivot_root"}, Action: specs.ActAllow},
		specs.LinuxSyscall{Names: []string{"keyctl"}, Action: specs.ActErrno, ErrnoRet: &absent},
	)
}
