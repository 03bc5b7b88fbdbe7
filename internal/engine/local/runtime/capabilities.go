package runtime

import (
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/hypercloud/hyper/internal/oops"
)

// defaultCapabilities are Docker's. They hold inside the container's user namespace only.
var defaultCapabilities = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
	"CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
}

// grantable are those that a tenant may add. The others open parts of the kernel that are not made for strangers: mounting,
// firewalls, modules, the clock.
var grantable = append(slices.Clone(defaultCapabilities),
	"CAP_DAC_READ_SEARCH", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_LEASE", "CAP_LINUX_IMMUTABLE", "CAP_NET_BROADCAST",
	"CAP_SYS_NICE", "CAP_SYS_PTRACE")

// capabilities are Docker's defaults less drop plus add. A name may lack its CAP_ and be in any case; dropping ALL drops all.
func capabilities(add, drop []string) (*specs.LinuxCapabilities, error) {
	have := slices.Clone(defaultCapabilities)
	for _, c := range drop {
		name := capability(c)
		have = slices.DeleteFunc(have, func(x string) bool { return x == name || name == "CAP_ALL" })
	}
	for _, c := range add {
		name := capability(c)
		if !slices.Contains(grantable, name) {
			return nil, oops.Invalid("capability %s cannot be added to a container: those that can are %s", name, strings.Join(grantable, ", "))
		}
		if !slices.Contains(have, name) {
			have = append(have, name)
		}
	}
	return &specs.LinuxCapabilities{Bounding: have, Effective: have, Permitted: have}, nil
}

func capability(name string) string {
	name = strings.ToUpper(name)
	if !strings.HasPrefix(name, "CAP_") {
		name = "CAP_" + name
	}
	return name
}
