package runtime

import (
	"os"
	"path"
	"path/filepath"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// builderPrograms are what a builder consists of, by their names in libexec.
var builderPrograms = []string{"buildkitd", "runc", "hyper-builder"}

// makeBuilder gives a container what it takes to make containers within itself: it may mount, in its own user and mount namespaces,
// and nothing of /proc is covered, since the kernel lets nobody mount another /proc who does not see all of his own. What is built runs in
// containers of BuildKit's, which have Docker's capabilities, filter and covered files again.
func (r *Runtime) makeBuilder(s *specs.Spec) error {
	c := s.Process.Capabilities
	c.Bounding = append(c.Bounding, "CAP_SYS_ADMIN")
	c.Effective, c.Permitted = c.Bounding, c.Bounding
	s.Linux.MaskedPaths, s.Linux.ReadonlyPaths = nil, nil
	for _, name := range builderPrograms {
		program := filepath.Join(r.Libexec, name)
		if _, err := os.Stat(program); err != nil {
			return oops.Unavailable("this machine cannot build images: %s is missing beside hyperd", name)
		}
		s.Mounts = append(s.Mounts, specs.Mount{
			Type: "bind", Source: program, Destination: path.Join(engine.BuilderDir, name), Options: []string{"bind", "ro", "rprivate", "nosuid", "nodev"},
		})
	}
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
