package docker

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"runtime"
	"time"

	"github.com/docker/go-units"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/api/types/swarm"
	"github.com/moby/moby/api/types/system"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// The names that clients ask for.
const (
	storageDriver = "overlay" // one of those that the original's clients know
	logDriver     = "json-file"
	volumeDriver  = "hyper"
	runtimeName   = "runc"
	indexServer   = "https://index.docker.io/v1/"
)

// infoAnswer adds what was in older versions and is asked for still (api 17).
type infoAnswer struct {
	system.Info
	ExecutionDriver string `json:",omitempty"`
	// Old clients warn of what a machine lacks, and have no other way to hear of it.
	BridgeNfIptables, BridgeNfIP6tables bool `json:",omitempty"`
}

func (api *API) info(ctx context.Context, a account.Ref, w http.ResponseWriter, _ *http.Request) error {
	in, err := api.System.Info(ctx, a)
	if err != nil {
		return err
	}
	out := infoAnswer{Info: system.Info{
		ID: in.ID, Name: in.Name,
		Containers: in.Containers, ContainersRunning: in.Running, ContainersPaused: in.Paused, ContainersStopped: in.Stopped,
		Images: in.Images,
		Driver: storageDriver,
		DriverStatus: [][2]string{
			{"Backing", in.StorageDriver}, {"Volumes", in.VolumeBackend},
			{"Disk", fmt.Sprintf("%s, %s free", units.BytesSize(float64(in.Room.Total)), units.BytesSize(float64(in.Room.Free)))},
			{"Promised to Disks", units.BytesSize(float64(in.Room.Promised))},
			{"Taken by Disks", units.BytesSize(float64(in.Room.Used))},
		},
		Plugins: system.PluginsInfo{
			Volume: []string{volumeDriver}, Network: []string{"bridge"}, Authorization: []string{"hyper"}, Log: []string{logDriver},
		},
		MemoryLimit: true, SwapLimit: true, CPUCfsPeriod: true, CPUCfsQuota: true, CPUShares: true, CPUSet: true, PidsLimit: true,
		IPv4Forwarding: true, OomKillDisable: rest.Before(ctx, 42),
		NFd: 0, NGoroutines: runtime.NumGoroutine(), NEventsListener: 0,
		SystemTime:    time.Now().UTC().Format(time.RFC3339Nano),
		LoggingDriver: logDriver,
		CgroupDriver:  in.CgroupDriver, CgroupVersion: in.CgroupVersion,
		KernelVersion: in.KernelVersion, OperatingSystem: in.OperatingSystem, OSType: "linux", Architecture: in.Architecture,
		IndexServerAddress: indexServer,
		RegistryConfig: &registry.ServiceConfig{
			IndexConfigs: map[string]*registry.IndexInfo{"docker.io": {Name: "docker.io", Secure: true, Official: true, Mirrors: []string{}}},
			Mirrors:      []string{}, InsecureRegistryCIDRs: []netip.Prefix{},
		},
		NCPU: in.NCPU, MemTotal: in.MemTotal,
		DockerRootDir: in.Root,
		Labels:        []string{},
		ServerVersion: api.Build.Version,
		Runtimes: map[string]system.RuntimeWithStatus{
			runtimeName: {Runtime: system.Runtime{Path: runtimeName}},
		},
		DefaultRuntime:     runtimeName,
		Swarm:              swarm.Info{LocalNodeState: swarm.LocalNodeStateInactive},
		LiveRestoreEnabled: true,
		ContainerdCommit:   system.Commit{ID: in.ContainerdVer},
		RuncCommit:         system.Commit{ID: in.RuncVer},
		SecurityOptions:    []string{"name=seccomp,profile=builtin", "name=userns"},
		FirewallBackend:    &system.FirewallInfo{Driver: "nftables"},
		CDISpecDirs:        []string{},
		Warnings:           in.Warnings,
	}}
	if rest.Before(ctx, 50) {
		out.BridgeNfIptables, out.BridgeNfIP6tables = true, true
	}
	if rest.Before(ctx, 24) {
		out.ExecutionDriver = "native-" + runtimeName
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}
