package server_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The types that the original's client decodes answers into, as far as it looks: a number that is no integer, or a time that is
// no time, makes it fail (api 4).
type (
	origSummary struct {
		ID, Image, ImageID, Command, State, Status string
		Names                                      []string
		Created                                    int64
		Ports                                      []struct {
			IP                      string
			PrivatePort, PublicPort int
			Type                    string
		}
		SizeRw, SizeRootFs int64
		Labels             map[string]string
		HostConfig         struct{ NetworkMode string }
		NetworkSettings    struct{ Networks map[string]origEndpoint }
		Mounts             []origMount
	}
	origEndpoint struct {
		Links, Aliases                                                     []string
		NetworkID, EndpointID, Gateway, IPAddress, IPv6Gateway, MacAddress string
		GlobalIPv6Address                                                  string
		IPPrefixLen, GlobalIPv6PrefixLen                                   int
	}
	origMount struct {
		Name, Source, Destination, Driver, Mode, Propagation string
		RW                                                   bool
	}
	origBinding struct {
		HostIP   string `json:"HostIp"`
		HostPort string
	}
	origConfig struct {
		Hostname, Domainname, User, Image, WorkingDir, StopSignal, MacAddress string
		AttachStdin, AttachStdout, AttachStderr, Tty, OpenStdin, StdinOnce    bool
		Env, Cmd, Entrypoint, OnBuild                                         []string
		ExposedPorts, Volumes                                                 map[string]struct{}
		Labels                                                                map[string]string
	}
	origContainer struct {
		ID, Created, Path, Image, ResolvConfPath, HostnamePath, HostsPath, LogPath, Name, Driver, MountLabel, ProcessLabel, AppArmorProfile string
		Args, ExecIDs                                                                                                                       []string
		RestartCount                                                                                                                        int
		State                                                                                                                               struct {
			Status, Error                                string
			StartedAt, FinishedAt                        time.Time
			Running, Paused, Restarting, OOMKilled, Dead bool
			Pid, ExitCode                                int
		}
		GraphDriver struct {
			Name string
			Data map[string]string
		}
		SizeRw, SizeRootFs *int64
		HostConfig         struct {
			Binds, Links, DNS, DNSOptions, DNSSearch, ExtraHosts, GroupAdd, CapAdd, CapDrop, SecurityOpt, VolumesFrom []string
			NetworkMode, IpcMode, PidMode, UTSMode, UsernsMode, Isolation, VolumeDriver, CgroupParent, Cgroup         string
			LogConfig                                                                                                 struct {
				Type   string
				Config map[string]string
			}
			PortBindings  map[string][]origBinding
			RestartPolicy struct {
				Name              string
				MaximumRetryCount int
			}
			Memory, MemorySwap, MemoryReservation, KernelMemory, CpuShares, CpuPeriod, CpuQuota, PidsLimit, ShmSize int64
			BlkioWeight                                                                                             uint16
			ConsoleSize                                                                                             [2]int
			AutoRemove, Privileged, PublishAllPorts, ReadonlyRootfs                                                 bool
			OomKillDisable                                                                                          *bool
			MemorySwappiness                                                                                        *int64
			OomScoreAdj                                                                                             int
			Tmpfs                                                                                                   map[string]string
			Devices                                                                                                 []struct{ PathOnHost, PathInContainer, CgroupPermissions string }
		}
		Config          origConfig
		Mounts          []origMount
		NetworkSettings struct {
			Bridge, SandboxID, SandboxKey, EndpointID, Gateway, IPAddress, MacAddress, IPv6Gateway, GlobalIPv6Address, LinkLocalIPv6Address string
			HairpinMode                                                                                                                     bool
			IPPrefixLen, GlobalIPv6PrefixLen, LinkLocalIPv6PrefixLen                                                                        int
			Ports                                                                                                                           map[string][]origBinding
			SecondaryIPAddresses                                                                                                            []struct {
				Addr      string
				PrefixLen int
			}
			Networks map[string]*origEndpoint
		}
	}
	origImage struct {
		ID, ParentID               string
		RepoTags, RepoDigests      []string
		Created, Size, VirtualSize int64
		Labels                     map[string]string
	}
	origImageInspect struct {
		ID, Parent, Comment, Container, DockerVersion, Author, Architecture, Os string
		RepoTags, RepoDigests                                                   []string
		Created                                                                 time.Time
		ContainerConfig, Config                                                 *origConfig
		Size, VirtualSize                                                       int64
		GraphDriver                                                             struct {
			Name string
			Data map[string]string
		}
	}
	origHistory struct {
		ID, CreatedBy, Comment string
		Created, Size          int64
		Tags                   []string
	}
	origDeleted struct{ Untagged, Deleted string }
	origFound   struct {
		StarCount   int    `json:"star_count"`
		IsOfficial  bool   `json:"is_official"`
		Name        string `json:"name"`
		IsAutomated bool   `json:"is_automated"`
		Description string `json:"description"`
	}
	origInfo struct {
		ID, Driver, ExecutionDriver, LoggingDriver, OperatingSystem, OSType, Architecture, KernelVersion, ServerVersion, Name, IndexServerAddress string
		Containers, ContainersRunning, ContainersPaused, ContainersStopped, Images, NCPU, NFd, NGoroutines, NEventsListener                       int
		MemTotal                                                                                                                                  int64
		DriverStatus, SystemStatus                                                                                                                [][2]string
		Plugins                                                                                                                                   struct{ Volume, Network, Authorization []string }
		Labels                                                                                                                                    []string
		SystemTime                                                                                                                                string
		MemoryLimit, SwapLimit, OomKillDisable, IPv4Forwarding, Debug, ExperimentalBuild                                                          bool
		RegistryConfig                                                                                                                            struct {
			InsecureRegistryCIDRs []string
			IndexConfigs          map[string]struct {
				Name             string
				Mirrors          []string
				Secure, Official bool
			}
			Mirrors []string
		}
	}
	origVersion struct {
		Version, ApiVersion, GitCommit, GoVersion, Os, Arch, KernelVersion string
		Experimental                                                       bool
		BuildTime                                                          *time.Time
	}
	origVolume struct {
		Name, Driver, Mountpoint, Scope string
		Labels                          map[string]string
		Status                          map[string]any
		CreatedAt                       *time.Time
	}
	origVolumes struct {
		Volumes  []*origVolume
		Warnings []string
	}
	origCreated struct {
		ID       string
		Warnings []string
	}
	origExec struct {
		ID, ContainerID string
		Running         bool
		ExitCode        int
	}
	origStats struct {
		Read     time.Time    `json:"read"`
		CPU      origCPUStats `json:"cpu_stats"`
		Previous origCPUStats `json:"precpu_stats"`
		Memory   struct {
			Usage, Limit, Failcnt uint64
			MaxUsage              uint64 `json:"max_usage"`
			Stats                 map[string]uint64
		} `json:"memory_stats"`
		Blkio struct {
			Bytes []struct {
				Major, Minor, Value uint64
				Op                  string
			} `json:"io_service_bytes_recursive"`
		} `json:"blkio_stats"`
		Networks map[string]struct {
			Rx uint64 `json:"rx_bytes"`
			Tx uint64 `json:"tx_bytes"`
		}
	}
	origCPUStats struct {
		Usage struct {
			Total  uint64   `json:"total_usage"`
			PerCPU []uint64 `json:"percpu_usage"`
		} `json:"cpu_usage"`
		System uint64 `json:"system_cpu_usage"`
	}
	origMessage struct {
		Status, ID, Progress, Stream, Error string
		ProgressDetail                      struct{ Current, Total int64 }
		ErrorDetail                         *struct {
			Code    int
			Message string
		}
	}
	origSnapshot struct {
		Id     string `json:"Id"` //nolint:revive // as the original has it
		Name   string
		Volume string
		Size   int
	}
	origSnapshots struct {
		Snapshots []origSnapshot
		Warnings  []string
	}
	origGroup struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Rules       []struct {
			Direction string `json:"direction"`
			PortMin   int    `json:"port_range_min"`
			PortMax   int    `json:"port_range_max"`
			Protocol  string `json:"protocol"`
			Prefix    string `json:"remote_ip_prefix"`
			Group     string `json:"remote_group_name"`
		} `json:"rules"`
	}
	origFIP map[string]string
)

// shape is what an answer of success must be like.
type shape struct {
	status []int
	kind   string               // Content-Type; "" where there is no body
	check  func(b []byte) error // of the body
}

// jsonAs decodes into a T, and has more said about it.
func jsonAs[T any](more func(v *T) error, needed ...string) func([]byte) error {
	return func(b []byte) error {
		var v T
		if err := json.Unmarshal(b, &v); err != nil {
			return fmt.Errorf("%w: %s", err, b)
		}
		if len(needed) > 0 {
			var keys map[string]json.RawMessage
			if err := json.Unmarshal(b, &keys); err != nil {
				return err
			}
			for _, k := range needed {
				if _, ok := keys[k]; !ok {
					return fmt.Errorf("%s is missing: %s", k, b)
				}
			}
		}
		if more == nil {
			return nil
		}
		return more(&v)
	}
}

var hexID = regexp.MustCompile(`^[0-9a-f]{64}$`)

func wantID(id string) error {
	if !hexID.MatchString(id) {
		return fmt.Errorf("the id %q is not 64 hex digits", id)
	}
	return nil
}

func wantAll(checks ...error) error { return errors.Join(checks...) }

func must(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}

// shapes are those of api 6 to 17, by method and path.
var shapes = []struct {
	method, path string // a regular expression, without version
	shape
}{
	{"GET", `/version`, shape{[]int{200}, "application/json", jsonAs(func(v *origVersion) error {
		return must(v.Os == "linux" && v.Version != "" && v.ApiVersion != "", "version is %+v", v)
	})}},
	{"GET", `/info`, shape{[]int{200}, "application/json", jsonAs(func(v *origInfo) error {
		return must(v.Driver != "" && v.ExecutionDriver != "" && v.KernelVersion != "" && v.ServerVersion != "" && v.ID != "" &&
			len(v.Plugins.Authorization) > 0 && v.IndexServerAddress == "https://index.docker.io/v1/", "info is %+v", v)
	}, "ID", "Containers", "ContainersRunning", "ContainersPaused", "ContainersStopped", "Images", "ExecutionDriver", "LoggingDriver",
		"OperatingSystem", "NCPU", "OSType", "Architecture", "MemTotal", "KernelVersion", "Driver", "ServerVersion")}},
	{"GET", `/containers/json`, shape{[]int{200}, "application/json", jsonAs(func(v *[]origSummary) error {
		for _, c := range *v {
			if err := wantAll(wantID(c.ID), must(len(c.Names) > 0 && strings.HasPrefix(c.Names[0], "/"), "names are %q", c.Names),
				must(c.Labels["sh_hyper_instancetype"] != "" && c.HostConfig.NetworkMode == "bridge", "container is %+v", c)); err != nil {
				return err
			}
		}
		return must(*v != nil, "a list is null")
	})}},
	{"POST", `/containers/create`, shape{[]int{201}, "application/json", jsonAs(func(v *origCreated) error { return wantID(v.ID) })}},
	{"GET", `/containers/.+/json`, shape{[]int{200}, "application/json", jsonAs(func(v *origContainer) error {
		_, created := time.Parse(time.RFC3339Nano, v.Created)
		size, sized := v.Config.Labels["sh_hyper_instancetype"]
		_, fip := v.Config.Labels["sh.hyper.fip"]
		return wantAll(wantID(v.ID), created, must(strings.HasPrefix(v.Name, "/") && !strings.HasPrefix(v.Name, "//"), "name is %q", v.Name),
			must(sized && fip && size != "", "labels are %v", v.Config.Labels),
			must(v.HostConfig.LogConfig.Type == "json-file" && v.HostConfig.LogConfig.Config["max-file"] == "10", "log driver is %+v", v.HostConfig.LogConfig),
			must(v.HostConfig.DNS != nil && v.HostConfig.Memory == 0, "DNS is %v", v.HostConfig.DNS),
			must(strings.HasPrefix(v.NetworkSettings.Networks["bridge"].IPAddress, "172.16."), "network is %+v", v.NetworkSettings),
			must(v.NetworkSettings.IPAddress == v.NetworkSettings.Networks["bridge"].IPAddress, "addresses differ"),
			must(slices.Contains([]string{"rbd", "devicemapper", "overlay", "vfs", "zfs", "btrfs", "aufs"}, v.GraphDriver.Name), "graph driver is %q", v.GraphDriver.Name),
			must(slices.Contains([]string{"created", "restarting", "running", "exited", "paused"}, v.State.Status), "status is %q", v.State.Status))
	}, "Id", "State", "Created", "Path", "Args", "Config", "Image", "NetworkSettings", "ResolvConfPath", "HostnamePath", "HostsPath", "LogPath", "Name",
		"Driver", "MountLabel", "ProcessLabel", "GraphDriver", "Mounts", "ExecIDs")}},
	{"POST", `/containers/.+/(start|stop)`, shape{[]int{204, 304}, "", empty}},
	{"POST", `/containers/.+/(restart|kill|rename)`, shape{[]int{204}, "", empty}},
	{"POST", `/containers/.+/wait`, shape{[]int{200}, "application/json", jsonAs[struct{ StatusCode int }](nil, "StatusCode")}},
	{"POST", `/containers/.+/resize`, shape{[]int{200}, "", empty}},
	{"GET", `/containers/.+/logs`, shape{[]int{200}, "application/vnd.docker.raw-stream", nil}},
	{"GET", `/containers/.+/stats`, shape{[]int{200}, "application/json", jsonAs(func(v *origStats) error {
		ops := []string{}
		for _, b := range v.Blkio.Bytes {
			ops = append(ops, b.Op)
		}
		return wantAll(must(!v.Read.IsZero(), "no time"), must(slices.Equal(ops, []string{"Read", "Write"}), "operations are %q", ops),
			must(len(v.CPU.Usage.PerCPU) > 0, "no CPU"))
	}, "read", "cpu_stats", "precpu_stats", "memory_stats", "blkio_stats")}},
	{"DELETE", `/containers/.+`, shape{[]int{200}, "application/json", jsonAs(func(v *[]string) error { return must(*v != nil, "notices are null") })}},
	{"PUT", `/containers/.+`, shape{[]int{204}, "", empty}},
	{"POST", `/containers/.+/exec`, shape{[]int{201}, "application/json", jsonAs(func(v *struct{ ID string }) error { return wantID(v.ID) })}},
	{"POST", `/exec/.+/start`, shape{[]int{200}, "", empty}}, // detached
	{"POST", `/exec/.+/resize`, shape{[]int{201}, "", empty}},
	{"GET", `/exec/.+/json`, shape{[]int{200}, "application/json", jsonAs(func(v *origExec) error { return wantAll(wantID(v.ID), wantID(v.ContainerID)) }, "ExitCode", "Running")}},
	{"GET", `/images/json`, shape{[]int{200}, "application/json", jsonAs(func(v *[]origImage) error {
		for _, i := range *v {
			if i.VirtualSize == 0 || len(i.RepoTags) == 0 || !strings.HasPrefix(i.ID, "sha256:") {
				return fmt.Errorf("image is %+v", i)
			}
		}
		return must(*v != nil, "a list is null")
	})}},
	{"GET", `/images/.+/json`, shape{[]int{200}, "application/json", jsonAs(func(v *origImageInspect) error {
		return must(v.Config != nil && strings.HasPrefix(v.ID, "sha256:"), "image is %+v", v)
	}, "Id", "RepoTags", "RepoDigests", "Created", "Config", "Size", "VirtualSize", "GraphDriver")}},
	{"GET", `/images/.+/history`, shape{[]int{200}, "application/json", jsonAs(func(v *[]origHistory) error { return must(len(*v) > 0, "no step") })}},
	{"GET", `/images/search`, shape{[]int{200}, "application/json", jsonAs(func(v *[]origFound) error { return must(len(*v) > 0 && (*v)[0].Name != "", "nothing is found") })}},
	{"DELETE", `/images/.+`, shape{[]int{200}, "application/json", jsonAs(func(v *[]origDeleted) error { return must(len(*v) > 0, "nothing is told") })}},
	{"POST", `/images/create`, shape{[]int{200}, "application/json", messages(func(list []origMessage) error {
		last := list[len(list)-1].Status
		return wantAll(must(strings.HasPrefix(list[0].Status, "Pulling from "), "the first line is %+v", list[0]),
			must(strings.HasPrefix(last, "Status: Downloaded newer image for ") || strings.HasPrefix(last, "Status: Image is up to date for "), "the last line is %q", last))
	})}},
	{"POST", `/images/diff`, shape{[]int{200}, "application/json", jsonAs(func(*struct{ ExistLayers []string }) error { return nil }, "existLayers")}},
	{"POST", `/images/load`, shape{[]int{200}, "application/json", func(b []byte) error {
		if len(b) == 0 { // quietly
			return nil
		}
		return messages(func(list []origMessage) error {
			return must(list[0].Status == "Starting to download and load the image archive, please wait...", "it begins with %+v", list[0])
		})(b)
	}}},
	{"POST", `/images/.+/push`, shape{[]int{200}, "application/json", messages(func(list []origMessage) error {
		return must(strings.HasPrefix(list[0].Status, "The push refers to"), "it begins with %+v", list[0])
	})}},
	{"POST", `/commit`, shape{[]int{201}, "application/json", jsonAs(func(v *struct{ ID string }) error { return must(strings.HasPrefix(v.ID, "sha256:"), "%+v", v) })}},
	{"POST", `/auth`, shape{[]int{200}, "application/json", jsonAs(func(v *struct{ Status string }) error { return must(v.Status == "Login Succeeded", "%+v", v) })}},
	{"POST", `/volumes/create`, shape{[]int{201}, "application/json", jsonAs(wantVolume)}},
	{"POST", `/volumes/initialize`, shape{[]int{200}, "application/json", jsonAs(func(v *struct {
		Session, Cookie string
		Uploaders       map[string]string
	}) error {
		if (v.Session == "") != (len(v.Uploaders) == 0) || (v.Session == "") != (v.Cookie == "") {
			return fmt.Errorf("a session goes with uploads: %+v", v)
		}
		return nil
	})}},
	{"PUT", `/volumes/uploadfinish`, shape{[]int{200, 204}, "", empty}},
	{"GET", `/volumes`, shape{[]int{200}, "application/json", jsonAs(func(v *origVolumes) error {
		for _, one := range v.Volumes {
			if err := wantVolume(one); err != nil {
				return err
			}
		}
		return must(v.Volumes != nil, "a list is null")
	}, "Volumes", "Warnings")}},
	{"GET", `/volumes/.+`, shape{[]int{200}, "application/json", jsonAs(wantVolume)}},
	{"DELETE", `/volumes/.+`, shape{[]int{204}, "", empty}},
	{"GET", `/fips`, shape{[]int{200}, "application/json", jsonAs(func(v *[]origFIP) error {
		for _, f := range *v {
			for _, key := range []string{"fip", "name", "container", "service"} {
				if _, ok := f[key]; !ok {
					return fmt.Errorf("%s is missing: %v", key, f)
				}
			}
		}
		return must(*v != nil, "a list is null")
	})}},
	{"POST", `/fips/allocate`, shape{[]int{201}, "application/json", jsonAs(func(v *[]string) error { return must(len(*v) > 0, "no address") })}},
	{"POST", `/fips/(detach|disassociate)`, shape{[]int{200}, "application/json", jsonAs[string](nil)}},
	{"POST", `/fips/(attach|associate|release|name)`, shape{[]int{204}, "", empty}},
	{"POST", `/compose/.+`, shape{[]int{200, 201}, "application/json", messages(nil)}},
	{"GET", `/snapshots`, shape{[]int{200}, "application/json", jsonAs[origSnapshots](nil, "Snapshots", "Warnings")}},
	{"GET", `/snapshots/.+`, shape{[]int{200}, "application/json", jsonAs[origSnapshot](nil, "Id", "Name", "Volume", "Size")}},
	{"POST", `/snapshots/create`, shape{[]int{201}, "application/json", jsonAs[origSnapshot](nil, "Id", "Name", "Volume", "Size")}},
	{"DELETE", `/snapshots/.+`, shape{[]int{204}, "", empty}},
	{"GET", `/sg`, shape{[]int{200}, "application/json", jsonAs(func(v *[]origGroup) error { return must(*v != nil, "a list is null") })}},
	{"GET", `/sg/.+`, shape{[]int{200}, "application/json", jsonAs(func(v *origGroup) error { return must(v.Rules != nil, "the rules are null") }, "name", "description", "rules")}},
	{"POST", `/sg/.+`, shape{[]int{201}, "", empty}},
	{"PUT", `/sg/.+`, shape{[]int{204}, "", empty}},
	{"DELETE", `/sg/.+`, shape{[]int{204}, "", empty}},
	{"GET", `/(services|crons|funcs)`, shape{[]int{200}, "application/json", jsonAs(func(v *[]any) error { return must(*v != nil, "a list is null") })}},
}

func wantVolume(v *origVolume) error {
	for _, key := range []string{"size", "container", "snapshot"} {
		if _, ok := v.Labels[key]; !ok {
			return fmt.Errorf("label %s is missing: %v", key, v.Labels)
		}
	}
	return must(v.Name != "" && v.Driver == "hyper" && v.Mountpoint == "", "volume is %+v", v)
}

func empty(b []byte) error { return must(len(b) == 0, "there is a body: %q", b) }

// messages reads a stream of JSON messages, none of which is an error.
func messages(more func([]origMessage) error) func([]byte) error {
	return func(b []byte) error {
		var list []origMessage
		for _, line := range bytes.Split(bytes.TrimSpace(b), []byte("\n")) {
			var m origMessage
			if err := json.Unmarshal(line, &m); err != nil {
				return fmt.Errorf("%w: %s", err, line)
			}
			if m.ErrorDetail != nil || m.Error != "" {
				return fmt.Errorf("the stream tells of an error: %s", line)
			}
			list = append(list, m)
		}
		if more == nil {
			return nil
		}
		return more(list)
	}
}

// shapeOf finds the shape of an answer to a request; the path is without version.
func shapeOf(method, path string) (shape, bool) {
	best, found, length := shape{}, false, -1
	for _, s := range shapes {
		if s.method == method && regexp.MustCompile("^"+s.path+"$").MatchString(path) && len(s.path) > length {
			best, found, length = s.shape, true, len(s.path)
		}
	}
	return best, found
}

// matches says what is wrong with an answer of success.
func (s shape) matches(resp *http.Response, body []byte) error {
	if !slices.Contains(s.status, resp.StatusCode) {
		return fmt.Errorf("status %d, want one of %v", resp.StatusCode, s.status)
	}
	if kind := resp.Header.Get("Content-Type"); s.kind != "" && kind != s.kind {
		return fmt.Errorf("Content-Type is %q, want %q", kind, s.kind)
	}
	if s.check == nil {
		return nil
	}
	return s.check(body)
}

// unframe takes the frames of a stream apart (api 5.1).
func unframe(b []byte) (stdout, stderr string, err error) {
	r := bytes.NewReader(b)
	for r.Len() > 0 {
		var head [8]byte
		if _, err := io.ReadFull(r, head[:]); err != nil || head[0] < 1 || head[0] > 2 || head[1]|head[2]|head[3] != 0 {
			return stdout, stderr, fmt.Errorf("Unrecognized input header: %v", head)
		}
		text := make([]byte, binary.BigEndian.Uint32(head[4:]))
		if _, err := io.ReadFull(r, text); err != nil {
			return stdout, stderr, err
		}
		if head[0] == 1 {
			stdout += string(text)
		} else {
			stderr += string(text)
		}
	}
	return stdout, stderr, nil
}
