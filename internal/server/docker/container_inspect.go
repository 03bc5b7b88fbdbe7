package docker

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/moby/moby/api/types/blkiodev"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/api/types/storage"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	rules "github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/server/rest"
	"github.com/hypercloud/hyper/internal/store"
)

// inspectAnswer is Docker's, with the fields of NetworkSettings that Docker dropped in 1.52 and Hyper's users rely on.
type inspectAnswer struct {
	container.InspectResponse
	NetworkSettings networkSettings
}

type networkSettings struct {
	Bridge                 string
	SandboxID              string
	SandboxKey             string
	HairpinMode            bool
	LinkLocalIPv6Address   string
	LinkLocalIPv6PrefixLen int
	Ports                  network.PortMap
	SecondaryIPAddresses   []string
	SecondaryIPv6Addresses []string
	EndpointID             string
	Gateway                netip.Addr
	GlobalIPv6Address      string
	GlobalIPv6PrefixLen    int
	IPAddress              netip.Addr
	IPPrefixLen            int
	IPv6Gateway            string
	MacAddress             network.HardwareAddr
	Networks               map[string]*network.EndpointSettings
}

func (api *API) inspectContainer(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	c, err := api.Containers.Get(a, r.PathValue("name"))
	if err != nil {
		return err
	}
	volumes, err := api.volumesFor(a, c)
	if err != nil {
		return err
	}
	path, args := "", []string{}
	if len(c.Spec.Args) > 0 {
		path, args = c.Spec.Args[0], list(c.Spec.Args[1:])
	}
	out := inspectAnswer{NetworkSettings: api.settings(ctx, a, c), InspectResponse: container.InspectResponse{
		ID:             c.ID,
		Created:        c.CreatedAt.UTC().Format(time.RFC3339Nano),
		Path:           path,
		Args:           args,
		State:          inspectState(c, api.Containers.Health(a, c.ID)),
		Image:          c.ImageID,
		ResolvConfPath: "/containers/" + c.ID + "/resolv.conf",
		HostnamePath:   "/containers/" + c.ID + "/hostname",
		HostsPath:      "/containers/" + c.ID + "/hosts",
		LogPath:        "/containers/" + c.ID + "/json.log",
		Name:           "/" + c.Name,
		RestartCount:   c.State.RestartCount,
		Driver:         storageDriver,
		Platform:       "linux",
		ExecIDs:        api.Containers.ExecIDs(a, c.ID),
		HostConfig:     api.hostConfig(a, c, volumes),
		GraphDriver:    &storage.DriverData{Name: storageDriver, Data: map[string]string{}},
		Mounts:         mountPoints(c, volumes),
		Config:         api.containerConfig(a, c, volumes),
	}}
	if rest.Bool(r, "size") {
		rw, root := api.sizes(ctx, a, c)
		out.SizeRw, out.SizeRootFs = &rw, &root
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

func inspectState(c *cloud.Container, health *cloud.Health) *container.State {
	s := c.State
	st := &container.State{
		Status:     shownStatus(c),
		Running:    s.Status.Live() || s.Status == store.StatusRestarting,
		Paused:     s.Status == store.StatusPaused,
		Restarting: s.Status == store.StatusRestarting,
		OOMKilled:  s.OOMKilled,
		ExitCode:   s.ExitCode,
		Error:      s.Error,
		StartedAt:  s.StartedAt.UTC().Format(time.RFC3339Nano),
		FinishedAt: s.FinishedAt.UTC().Format(time.RFC3339Nano),
	}
	if s.Status.Live() {
		st.Pid = s.Pid
		st.ExitCode = 0
	}
	if health != nil {
		st.Health = &container.Health{
			Status: container.HealthStatus(health.Status), FailingStreak: health.FailingStreak, Log: []*container.HealthcheckResult{},
		}
		for _, r := range health.Log {
			st.Health.Log = append(st.Health.Log, &container.HealthcheckResult{Start: r.Start, End: r.End, ExitCode: r.ExitCode, Output: r.Output})
		}
	}
	return st
}

// settings tell of a container's networks. The fields beside Networks are those of the account's own network, as Docker's are of
// its default one.
func (api *API) settings(ctx context.Context, a account.Ref, c *cloud.Container) networkSettings {
	n := networkSettings{
		SandboxID: derivedID("sandbox", c.ID),
		Ports:     network.PortMap{},
		Networks:  api.endpoints(ctx, a, c),
	}
	if e := n.Networks[rules.OwnName]; e != nil {
		n.EndpointID, n.Gateway, n.IPAddress, n.IPPrefixLen, n.MacAddress = e.EndpointID, e.Gateway, e.IPAddress, e.IPPrefixLen, e.MacAddress
	}
	if c.State.Status.Live() {
		n.Ports = portMap(c, true)
	}
	return n
}

func (api *API) containerConfig(a account.Ref, c *cloud.Container, volumes volumesByID) *container.Config {
	s := c.Spec
	cfg := &container.Config{
		Hostname: s.Hostname, Domainname: s.Domainname, User: s.User,
		AttachStdin: s.AttachStdin, AttachStdout: s.AttachStdout, AttachStderr: s.AttachStderr,
		Tty: s.Tty, OpenStdin: s.OpenStdin, StdinOnce: s.StdinOnce,
		Env: list(s.Env), Cmd: s.Cmd, Entrypoint: s.Entrypoint, Image: s.Image, WorkingDir: s.WorkingDir,
		Labels: api.Containers.Labels(a, c), StopSignal: s.StopSignal, StopTimeout: s.StopTimeout,
		Healthcheck: healthConfig(s.Healthcheck),
	}
	if len(s.Exposed) > 0 {
		cfg.ExposedPorts = network.PortSet{}
		for _, e := range s.Exposed {
			if p, ok := network.PortFrom(e.Number, network.IPProtocol(e.Proto)); ok {
				cfg.ExposedPorts[p] = struct{}{}
			}
		}
	}
	for _, m := range s.Mounts {
		if v, ok := volumes[m.VolumeID]; !ok || !v.Auto {
			continue // shown as a bind
		}
		if cfg.Volumes == nil {
			cfg.Volumes = map[string]struct{}{}
		}
		cfg.Volumes[m.Destination] = struct{}{}
	}
	return cfg
}

func healthConfig(h *engine.Healthcheck) *container.HealthConfig {
	if h == nil {
		return nil
	}
	return &container.HealthConfig{
		Test: h.Test, Interval: h.Interval, Timeout: h.Timeout, StartPeriod: h.StartPeriod, StartInterval: h.StartInterval, Retries: h.Retries,
	}
}

// list is l, and [] rather than null where it is empty.
func list(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}

func (api *API) hostConfig(a account.Ref, c *cloud.Container, volumes volumesByID) *container.HostConfig {
	s := c.Spec
	no := false
	h := &container.HostConfig{
		LogConfig:       container.LogConfig{Type: logDriver, Config: map[string]string{"max-file": "10", "max-size": "5m"}},
		VolumesFrom:     s.VolumesFrom,
		NetworkMode:     container.NetworkMode(networkMode(c)),
		PortBindings:    portMap(c, false),
		RestartPolicy:   container.RestartPolicy{Name: container.RestartPolicyMode(s.Restart.Name), MaximumRetryCount: s.Restart.MaxRetries},
		AutoRemove:      s.AutoRemove,
		VolumeDriver:    "",
		ConsoleSize:     [2]uint{uint(s.ConsoleSize[0]), uint(s.ConsoleSize[1])},
		CapAdd:          s.CapAdd,
		CapDrop:         s.CapDrop,
		CgroupnsMode:    container.CgroupnsModePrivate,
		DNS:             []netip.Addr{},
		DNSOptions:      list(s.DNSOptions),
		DNSSearch:       list(s.DNSSearch),
		ExtraHosts:      s.ExtraHosts,
		GroupAdd:        s.GroupAdd,
		IpcMode:         container.IPCModePrivate,
		PublishAllPorts: s.PublishAll,
		ContainerIDFile: s.ContainerIDFile,
		ReadonlyRootfs:  s.ReadOnly,
		Tmpfs:           s.Tmpfs,
		ShmSize:         s.ShmSize,
		Sysctls:         s.Sysctls,
		Runtime:         runtimeName,
		Links:           api.links(a, c),
		Resources: container.Resources{
			OomKillDisable: &no, Devices: []container.DeviceMapping{}, Ulimits: []*container.Ulimit{},
			BlkioWeightDevice: []*blkiodev.WeightDevice{}, BlkioDeviceReadBps: []*blkiodev.ThrottleDevice{}, BlkioDeviceWriteBps: []*blkiodev.ThrottleDevice{},
			BlkioDeviceReadIOps: []*blkiodev.ThrottleDevice{}, BlkioDeviceWriteIOps: []*blkiodev.ThrottleDevice{},
		},
	}
	if s.Init {
		yes := true
		h.Init = &yes
	}
	if s.NoNewPrivileges {
		h.SecurityOpt = []string{noNewPrivileges}
	}
	if h.ShmSize == 0 {
		h.ShmSize = 64 << 20
	}
	for _, m := range s.Mounts {
		v, ok := volumes[m.VolumeID]
		if !ok || v.Auto {
			continue
		}
		bind := v.Name + ":" + m.Destination
		switch {
		case m.Mode != "":
			bind += ":" + m.Mode
		case m.ReadOnly:
			bind += ":ro"
		}
		if m.NoCopy && !strings.Contains(m.Mode, "nocopy") {
			if m.Mode == "" && !m.ReadOnly {
				bind += ":nocopy"
			} else {
				bind += ",nocopy"
			}
		}
		h.Binds = append(h.Binds, bind)
	}
	return h
}

// links are shown as name:alias (behaviour 3). A target that is gone is not shown.
func (api *API) links(a account.Ref, c *cloud.Container) []string {
	var out []string
	for _, l := range c.Spec.Links {
		if target, err := api.Containers.Get(a, l.Target); err == nil {
			out = append(out, target.Name+":"+l.Alias)
		}
	}
	return out
}
