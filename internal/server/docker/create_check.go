package docker

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"

	rules "github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/oops"
)

// refuse says what a request asks for that Hyper never gives: ways to the machine or to another tenant, and things
// whose silent absence would break a container.
func (in *createRequest) refuse() error {
	h := in.HostConfig
	for _, rule := range []struct {
		asked bool
		why   string
	}{
		{in.NetworkDisabled, "a container is made without its account's private network by --network none: leave NetworkDisabled out"},
		{len(h.Devices) > 0 || len(h.DeviceCgroupRules) > 0, "devices of the machine cannot be given to a container: leave --device out"},
		{len(h.DeviceRequests) > 0, "GPUs and other devices of the machine cannot be given to a container: leave --gpus and --device out"},
		{h.CgroupParent != "" || h.Cgroup != "", "a container's control group is the platform's: leave --cgroup-parent out"},
		{h.CgroupnsMode.IsHost(), "a container cannot see the machine's control groups: leave --cgroupns out"},
		{h.PidMode != "" && h.PidMode != "private", "a container always has processes of its own only: leave --pid out"},
		{!slices.Contains([]container.IpcMode{"", container.IPCModePrivate, container.IPCModeShareable}, h.IpcMode), "a container always has an IPC namespace of its own: leave --ipc out"},
		{h.UTSMode != "", "a container always has a host name of its own: leave --uts out"},
		{h.UsernsMode != "" && h.UsernsMode != "private", "root inside a container is never root on the machine: leave --userns out"},
		{h.MaskedPaths != nil && len(h.MaskedPaths) == 0 || h.ReadonlyPaths != nil && len(h.ReadonlyPaths) == 0,
			"the machine's parts of /proc and /sys stay hidden: leave --security-opt systempaths=unconfined out"},
	} {
		if rule.asked {
			return oops.Forbidden("%s", rule.why)
		}
	}
	if err := refuseNetwork(string(h.NetworkMode), in.NetworkingConfig); err != nil {
		return err
	}
	for _, o := range h.SecurityOpt {
		if strings.HasSuffix(o, "unconfined") || strings.Contains(o, "disable") {
			return oops.Forbidden("the security option %s is not offered: a container's confinement cannot be loosened", o)
		}
	}
	for _, d := range []string{h.VolumeDriver, in.VolumeDriver} {
		if !knownVolumeDriver(d) {
			return oops.Invalid("there is no volume driver %q: leave --volume-driver out", d)
		}
	}
	if h.Runtime != "" && h.Runtime != runtimeName && h.Runtime != "io.containerd.runc.v2" {
		return oops.Invalid("unknown or invalid runtime name: %s", h.Runtime)
	}
	if !h.Isolation.IsDefault() {
		return oops.Invalid("invalid isolation '%s': leave --isolation out", h.Isolation)
	}
	return refuseMounts(h.Mounts)
}

// noNewPrivileges is the security option that Hyper knows.
const noNewPrivileges = "no-new-privileges"

func isNoNewPrivileges(option string) bool {
	return slices.Contains([]string{noNewPrivileges, noNewPrivileges + ":true", noNewPrivileges + "=true"}, option)
}

func (in *createRequest) noNewPrivileges() bool {
	return slices.ContainsFunc(in.HostConfig.SecurityOpt, isNoNewPrivileges)
}

func refuseMounts(mounts []mount.Mount) error {
	for _, m := range mounts {
		if (m.BindOptions != nil && *m.BindOptions != mount.BindOptions{}) && m.Type != mount.TypeBind {
			return oops.Invalid("a mount of the type %s has no options of a bind mount: leave them out", m.Type)
		}
		if m.ImageOptions != nil && m.ImageOptions.Subpath != "" && m.Type != mount.TypeImage {
			return oops.Invalid("a mount of the type %s has no options of an image's: leave them out", m.Type)
		}
		if m.VolumeOptions == nil {
			continue
		}
		if m.VolumeOptions.Subpath != "" {
			return oops.NotImplemented("a part of a volume cannot be mounted: leave volume-subpath out")
		}
		if d := m.VolumeOptions.DriverConfig; d != nil && (!knownVolumeDriver(d.Name) || len(d.Options) > 0) {
			return oops.NotImplemented("a mount cannot have a volume driver or driver options: make the volume by 'volume create' before")
		}
	}
	return nil
}

// refuseNetwork lets no container into a network that is not its account's.
func refuseNetwork(mode string, cfg *networkingRequest) error {
	for _, name := range append([]string{mode}, sortedKeys(cfg.EndpointsConfig)...) {
		if name == "host" || strings.HasPrefix(name, "container:") {
			return oops.Forbidden("a container has a network of its own, not another one's or the machine's: --network %s is not offered", name)
		}
	}
	for name, e := range cfg.EndpointsConfig {
		if err := e.check(); err != nil {
			return oops.As(errdefs.ErrInvalidArgument, fmt.Errorf("network %s: %w", name, err))
		}
	}
	return nil
}

func knownVolumeDriver(name string) bool {
	return slices.Contains([]string{"", "local", volumeDriver}, name)
}

// warnings tell of what was asked for and is not done, where the container works without.
func (in *createRequest) warnings() []string {
	h := in.HostConfig
	out := resourceWarnings(&h.Resources)
	for _, rule := range []struct {
		asked bool
		what  string
	}{
		{h.KernelMemory != 0, sizeDecides("kernel memory")},
		{h.DiskQuota != 0 || len(h.StorageOpt) > 0, "Storage options are ignored: a container's root disk has 10 GB."},
		{h.LogConfig.Type != "" && h.LogConfig.Type != logDriver, "The log driver " + h.LogConfig.Type + " is ignored: output is kept by " + logDriver + "."},
		{len(h.LogConfig.Config) > 0, "Log options are ignored: the platform decides how much output is kept."},
		{len(h.DNS) > 0, "DNS servers are ignored: the account's resolver is used."},
		{h.OomScoreAdj != 0, "The OOM score adjustment is ignored."},
		{slices.ContainsFunc(h.SecurityOpt, func(o string) bool {
			return !isNoNewPrivileges(o) && o != noNewPrivileges+":false" && o != noNewPrivileges+"=false"
		}), "Security options are ignored: the platform's confinement applies."},
		{len(h.MaskedPaths) > 0 || len(h.ReadonlyPaths) > 0, "Masked and read-only paths are ignored: the platform's apply."},
		{h.Umask != nil, "The umask is ignored: the runtime's default applies."},
		{len(h.Annotations) > 0, "Annotations are ignored: use labels."},
		{h.IpcMode == container.IPCModeShareable, "The IPC namespace of the container cannot be shared with others."},
		{in.MacAddress != "" || in.endpointHas(func(e *endpointRequest) bool { return e.MacAddress != "" }), "The MAC address is ignored: it follows from the container's address."},
		{in.endpointHas((*endpointRequest).sentBack), "What a server tells of a container's place in a network is ignored in a request: ask for an address by IPAMConfig."},
		{in.endpointHas(func(e *endpointRequest) bool { return len(e.DriverOpts) > 0 }), "Options of a place in a network are kept and ignored."},
		{in.mountHas(func(m mount.Mount) bool {
			return !slices.Contains([]mount.Consistency{"", mount.ConsistencyDefault, mount.ConsistencyFull}, m.Consistency)
		}), "The consistency of mounts is ignored: volumes are always consistent."},
		{in.mountHas(func(m mount.Mount) bool { return m.VolumeOptions != nil && len(m.VolumeOptions.Labels) > 0 }), "Labels of a mount's volume are ignored: make the volume by 'volume create' before."},
		{len(in.Config.OnBuild) > 0 || len(in.Config.Shell) > 0, "OnBuild and Shell are settings of images: they are ignored in a container."},
		{in.ArgsEscaped, "ArgsEscaped is a setting of Windows, and ignored."},
		{in.aliasesNothing(), "Network aliases are ignored in the network bridge: containers find each other there by name, host name and link."},
		{in.bindsAddress(), "Addresses of published ports are ignored: a published port is open on the container's floating IP, when it has one."},
	} {
		if rule.asked {
			out = append(out, rule.what)
		}
	}
	return out
}

// aliasesNothing tells that an alias is asked for in the network that every account has.
func (in *createRequest) aliasesNothing() bool {
	for name, e := range in.NetworkingConfig.EndpointsConfig {
		if e != nil && len(e.Aliases) > 0 && (name == rules.OwnName || name == "default") {
			return true
		}
	}
	return false
}

func (in *createRequest) endpointHas(what func(*endpointRequest) bool) bool {
	for _, e := range in.NetworkingConfig.EndpointsConfig {
		if e != nil && what(e) {
			return true
		}
	}
	return false
}

func (in *createRequest) mountHas(what func(mount.Mount) bool) bool {
	return slices.ContainsFunc(in.HostConfig.Mounts, what)
}

// bindsAddress reports whether a port is to be published on a certain address only.
func (in *createRequest) bindsAddress() bool {
	for _, list := range in.HostConfig.PortBindings {
		for _, b := range list {
			addr, err := netip.ParseAddr(b.HostIP)
			if b.HostIP != "" && (err != nil || !addr.IsUnspecified()) {
				return true
			}
		}
	}
	return false
}

func sizeDecides(what string) string {
	return "The setting of " + what + " is ignored: the container's size decides (--size, label sh_hyper_instancetype)."
}

// resourceWarnings tell of the resource settings in a request; the size decides over all of them (behaviour 2.1).
func resourceWarnings(r *container.Resources) []string {
	var out []string
	for _, what := range resourcesOf(r) {
		out = append(out, sizeDecides(what))
	}
	return out
}

// refuseResources refuses them where nothing else is asked for.
func refuseResources(r *container.Resources) error {
	if asked := resourcesOf(r); len(asked) > 0 {
		return oops.NotImplemented("what a container has of the machine (%s) follows from its size, and that stays: create another one by --size, or the label sh_hyper_instancetype",
			strings.Join(asked, ", "))
	}
	return nil
}

// resourcesOf names the resource settings in a request. Values that clients send without being asked are passed over.
func resourcesOf(r *container.Resources) []string {
	positive := func(n *int64) bool { return n != nil && *n > 0 }
	var out []string
	for _, rule := range []struct {
		asked bool
		what  string
	}{
		{r.Memory > 0, "memory"},
		{r.MemoryReservation > 0, "memory reservation"},
		{r.MemorySwap != 0, "swap"},
		{r.MemorySwappiness != nil && *r.MemorySwappiness != -1, "swappiness"},
		{r.OomKillDisable != nil && *r.OomKillDisable, "the OOM killer"},
		{r.CPUShares > 0, "CPU shares"},
		{r.NanoCPUs > 0 || r.CPUQuota > 0 || r.CPUPeriod > 0 || r.CPUCount > 0 || r.CPUPercent > 0, "CPU time"},
		{r.CPURealtimePeriod > 0 || r.CPURealtimeRuntime > 0, "real-time CPU time"},
		{r.CpusetCpus != "" || r.CpusetMems != "", "CPU sets"},
		{positive(r.PidsLimit), "the number of processes"},
		{len(r.Ulimits) > 0, "ulimits"},
		{r.BlkioWeight > 0 || len(r.BlkioWeightDevice) > 0 || len(r.BlkioDeviceReadBps) > 0 || len(r.BlkioDeviceWriteBps) > 0 ||
			len(r.BlkioDeviceReadIOps) > 0 || len(r.BlkioDeviceWriteIOps) > 0 || r.IOMaximumIOps > 0 || r.IOMaximumBandwidth > 0, "block I/O"},
	} {
		if rule.asked {
			out = append(out, rule.what)
		}
	}
	return out
}
