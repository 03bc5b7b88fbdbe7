package docker

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"

	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	rules "github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// createRequest is the body of a creation. The fields beside the embedded ones take them over: they read what
// older clients send and today's types refuse.
type createRequest struct {
	*container.Config
	Cmd          words
	Entrypoint   words
	ExposedPorts map[string]struct{}
	MacAddress   string
	VolumeDriver string

	HostConfig       *hostRequest
	NetworkingConfig *networkingRequest
}

type hostRequest struct {
	container.HostConfig
	PortBindings map[string][]portBinding
	DNS          []string `json:"Dns"`
	KernelMemory int64
	DiskQuota    int64
}

type portBinding struct {
	HostIP   string `json:"HostIp"`
	HostPort string
}

type networkingRequest struct {
	EndpointsConfig map[string]*endpointRequest
}

type endpointRequest struct {
	IPAMConfig *struct {
		IPv4Address, IPv6Address string
		LinkLocalIPs             []string
	}
	Links      []string
	Aliases    []string
	MacAddress string
	GwPriority int
	DriverOpts map[string]string
	reported
}

// reported is what a server tells of a place in a network, and what some clients send back.
type reported struct {
	NetworkID, EndpointID, Gateway, IPAddress, IPv6Gateway, GlobalIPv6Address string
	IPPrefixLen, GlobalIPv6PrefixLen                                          int
	DNSNames                                                                  []string
}

// sentBack tells that a request has what only a server can tell. An address that is asked for beside it (compose does that) is asked for.
func (e *endpointRequest) sentBack() bool {
	r := e.reported
	if e.IPAMConfig != nil && r.IPAddress == e.IPAMConfig.IPv4Address {
		r.IPAddress = ""
	}
	return r.NetworkID+r.EndpointID+r.Gateway+r.IPAddress+r.IPv6Gateway+r.GlobalIPv6Address != "" || r.IPPrefixLen != 0 || r.GlobalIPv6PrefixLen != 0 ||
		len(r.DNSNames) > 0
}

// check says what is wrong with a request for a place in a network that the rules have no word for.
func (e *endpointRequest) check() error {
	if e == nil || e.IPAMConfig == nil {
		return nil
	}
	if e.IPAMConfig.IPv6Address != "" {
		return oops.Invalid("networks here are IPv4: leave the IPv6 address %s out", e.IPAMConfig.IPv6Address)
	}
	if len(e.IPAMConfig.LinkLocalIPs) > 0 {
		return oops.Invalid("link-local addresses are not given: leave --link-local-ip out")
	}
	return nil
}

// domain puts the request in the words of the rules.
func (e *endpointRequest) domain(name string) rules.EndpointRequest {
	req := rules.EndpointRequest{Network: name}
	if e == nil {
		return req
	}
	req.Aliases, req.Links, req.Priority, req.Options = e.Aliases, e.Links, e.GwPriority, e.DriverOpts
	if e.IPAMConfig != nil {
		req.Address = e.IPAMConfig.IPv4Address
	}
	return req
}

// words is a list, or a string that is one word.
type words []string

// UnmarshalJSON implements json.Unmarshaler.
func (w *words) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil && string(b) != "null" {
		*w = words{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(w))
}

// complete makes the parts that a request left out.
func (in *createRequest) complete() {
	if in.Config == nil {
		in.Config = &container.Config{}
	}
	if in.HostConfig == nil {
		in.HostConfig = &hostRequest{}
	}
	if in.NetworkingConfig == nil {
		in.NetworkingConfig = &networkingRequest{}
	}
}

// domain puts the request in the words of the rules. What they have no word for is check's business.
func (in *createRequest) domain(name string) cloud.CreateRequest {
	c, h := in.Config, in.HostConfig
	req := cloud.CreateRequest{
		Name: name, Image: c.Image, Cmd: in.Cmd, Entrypoint: in.Entrypoint, Env: c.Env, WorkingDir: c.WorkingDir, User: c.User,
		Hostname: c.Hostname, Domainname: c.Domainname, Labels: c.Labels,
		Tty: c.Tty, OpenStdin: c.OpenStdin, StdinOnce: c.StdinOnce,
		AttachStdin: c.AttachStdin, AttachStdout: c.AttachStdout, AttachStderr: c.AttachStderr,
		ExposedPorts: sortedKeys(in.ExposedPorts), Volumes: sortedKeys(c.Volumes), Binds: h.Binds,
		PublishAll: h.PublishAllPorts, ContainerIDFile: h.ContainerIDFile, Links: h.Links, NetworkMode: string(h.NetworkMode), VolumesFrom: h.VolumesFrom,
		Restart:    store.RestartPolicy{Name: string(h.RestartPolicy.Name), MaxRetries: h.RestartPolicy.MaximumRetryCount},
		StopSignal: c.StopSignal, StopTimeout: c.StopTimeout, AutoRemove: h.AutoRemove,
		Init: h.Init != nil && *h.Init, ReadOnly: h.ReadonlyRootfs, Privileged: h.Privileged,
		Tmpfs: h.Tmpfs, ShmSize: h.ShmSize, CapAdd: h.CapAdd, CapDrop: h.CapDrop, GroupAdd: h.GroupAdd, NoNewPrivileges: in.noNewPrivileges(),
		Sysctls: h.Sysctls, ExtraHosts: h.ExtraHosts, DNSSearch: h.DNSSearch, DNSOptions: h.DNSOptions,
		ConsoleSize: [2]uint16{clamp(h.ConsoleSize[0]), clamp(h.ConsoleSize[1])},
	}
	if hc := c.Healthcheck; hc != nil {
		req.Healthcheck = &engine.Healthcheck{
			Test: hc.Test, Interval: hc.Interval, Timeout: hc.Timeout, StartPeriod: hc.StartPeriod,
			StartInterval: hc.StartInterval, Retries: hc.Retries,
		}
	}
	for _, private := range sortedKeys(h.PortBindings) {
		for _, b := range h.PortBindings[private] {
			req.Ports = append(req.Ports, cloud.PortRequest{Private: private, Public: b.HostPort})
		}
		if len(h.PortBindings[private]) == 0 { // as Docker: publish it under a port of the server's choice
			req.Ports = append(req.Ports, cloud.PortRequest{Private: private})
		}
	}
	for _, m := range h.Mounts {
		if m.Type == mount.TypeTmpfs {
			if req.Tmpfs == nil {
				req.Tmpfs = map[string]string{}
			}
			req.Tmpfs[m.Target] = tmpfsOptions(m)
			continue
		}
		req.Mounts = append(req.Mounts, cloud.MountRequest{
			Type: string(m.Type), Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly,
			NoCopy: m.VolumeOptions != nil && m.VolumeOptions.NoCopy,
		})
	}
	for _, name := range sortedKeys(in.NetworkingConfig.EndpointsConfig) {
		req.Networks = append(req.Networks, in.NetworkingConfig.EndpointsConfig[name].domain(name))
	}
	return req
}

func tmpfsOptions(m mount.Mount) string {
	var opts []string
	if m.ReadOnly {
		opts = append(opts, "ro")
	}
	if o := m.TmpfsOptions; o != nil {
		if o.SizeBytes > 0 {
			opts = append(opts, "size="+strconv.FormatInt(o.SizeBytes, 10))
		}
		if o.Mode != 0 {
			opts = append(opts, "mode="+strconv.FormatUint(uint64(o.Mode.Perm()), 8))
		}
		for _, pair := range o.Options {
			opts = append(opts, strings.Join(pair, "="))
		}
	}
	return strings.Join(opts, ",")
}

func clamp(n uint) uint16 { return uint16(min(n, math.MaxUint16)) }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
