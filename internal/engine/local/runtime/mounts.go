package runtime

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

const defaultShm = 64 << 20

// What of /proc and /sys a container does not see, and what it cannot write to.
var (
	maskedPaths = []string{
		"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
		"/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
	}
	readonlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// mounts are the file systems of a container, in the order in which they are mounted.
func mounts(in engine.RunSpec) ([]specs.Mount, error) {
	shm := in.ShmSize
	if shm <= 0 {
		shm = defaultShm
	}
	kernel := []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
		{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
		{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{"ro", "nosuid", "noexec", "nodev"}},
		{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", fmt.Sprintf("size=%d", shm)}},
	}
	var own []specs.Mount
	for _, dst := range slices.Sorted(maps.Keys(in.Tmpfs)) {
		opts, err := tmpfsOptions(in.Tmpfs[dst])
		if err != nil {
			return nil, err
		}
		own = append(own, specs.Mount{Destination: dst, Type: "tmpfs", Source: "tmpfs", Options: opts})
	}
	for _, m := range in.Mounts {
		own = append(own, bind(m))
	}
	for i, m := range own {
		if !path.IsAbs(m.Destination) || path.Clean(m.Destination) == "/" {
			return nil, oops.Invalid("nothing can be mounted at %q: give an absolute path other than /", m.Destination)
		}
		own[i].Destination = path.Clean(m.Destination)
	}
	// What is above comes first.
	slices.SortStableFunc(own, func(a, b specs.Mount) int {
		return strings.Count(a.Destination, "/") - strings.Count(b.Destination, "/")
	})
	return slices.Concat(kernel, own), nil
}

// bind is a mount of what hyperd made. What is not id-mapped belongs to nobody inside, and is read-only besides.
func bind(m engine.Mount) specs.Mount {
	opts := []string{"rbind", "rprivate", "nodev", "nosuid"}
	if m.IDMap {
		opts = []string{"bind", "rprivate", "nodev", "idmap"}
	}
	if m.ReadOnly || !m.IDMap {
		opts = append(opts, "ro")
	}
	return specs.Mount{Destination: m.Destination, Type: "bind", Source: m.Source, Options: opts}
}

// withFiles makes the mounts of files such whose source is the file. It was put there before any container had the volume, and none has more of it
// than that file; still it is looked at, since a link would be followed.
func withFiles(list []engine.Mount) ([]engine.Mount, error) {
	out := slices.Clone(list)
	for i, m := range out {
		if m.File == "" {
			continue
		}
		out[i].Source = filepath.Join(m.Source, m.File)
		st, err := os.Lstat(out[i].Source)
		if err != nil || !st.Mode().IsRegular() || filepath.Base(m.File) != m.File {
			return nil, oops.Invalid("the file of the volume at %s is not there", m.Destination)
		}
	}
	return out, nil
}

var tmpfsPattern = regexp.MustCompile(`^(ro|rw|exec|noexec|suid|nosuid|dev|nodev|size=[0-9]+[kmgKMG%]?|mode=[0-7]{1,4}|uid=[0-9]+|gid=[0-9]+|nr_inodes=[0-9]+[kmgKMG]?)$`)

// tmpfsOptions reads the options of a --tmpfs. A tmpfs counts as the container's memory.
func tmpfsOptions(text string) ([]string, error) {
	out := []string{"noexec", "nosuid", "nodev"}
	for o := range strings.SplitSeq(text, ",") {
		if o == "" {
			continue
		}
		if !tmpfsPattern.MatchString(o) {
			return nil, oops.Invalid("invalid tmpfs option %q", o)
		}
		out = slices.DeleteFunc(out, func(have string) bool { return strings.TrimPrefix(have, "no") == strings.TrimPrefix(o, "no") })
		out = append(out, o)
	}
	return out, nil
}
