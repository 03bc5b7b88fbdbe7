package runtime

import (
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Limits that every process of a container starts with, soft and hard.
const (
	limitFiles     = 1000000
	limitProcesses = 30604
)

// rlimits are the limits of a container's processes. Raising a limit above hyperd's own takes CAP_SYS_RESOURCE; where
// hyperd lacks it (it runs in a container or a confined unit) its own limit is the most it can hand on.
func rlimits() []specs.POSIXRlimit {
	return []specs.POSIXRlimit{
		rlimit("RLIMIT_NOFILE", unix.RLIMIT_NOFILE, limitFiles),
		rlimit("RLIMIT_NPROC", unix.RLIMIT_NPROC, limitProcesses),
		rlimit("RLIMIT_SIGPENDING", unix.RLIMIT_SIGPENDING, limitProcesses),
	}
}

func rlimit(name string, resource int, want uint64) specs.POSIXRlimit {
	var own unix.Rlimit
	if !mayRaise() && unix.Getrlimit(resource, &own) == nil {
		want = min(want, own.Max)
	}
	return specs.POSIXRlimit{Type: name, Soft: want, Hard: want}
}

// mayRaise reports whether this process may set limits above its own, for itself and those it starts.
func mayRaise() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) != nil {
		return false
	}
	return data[0].Effective&(1<<unix.CAP_SYS_RESOURCE) != 0
}
