package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	rules "github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/server/rest"
)

func endpointID(c *cloud.Container, network string) string {
	if network == "" {
		return derivedID("endpoint", c.ID)
	}
	return derivedID("endpoint", c.ID+" "+network)
}

func derivedID(kind, of string) string {
	sum := sha256.Sum256([]byte("hyper " + kind + " " + of))
	return hex.EncodeToString(sum[:])
}

// endpoint is a container's place in a network. It keeps its address whether the container runs or not.
func endpoint(c *cloud.Container, p rules.Place) *network.EndpointSettings {
	e := &network.EndpointSettings{
		NetworkID:   p.Network.ID,
		EndpointID:  endpointID(c, p.Endpoint.Network),
		Gateway:     p.Network.Spec.Gateway,
		IPAddress:   p.Address,
		IPPrefixLen: p.Network.Spec.Subnet.Bits(),
		MacAddress:  macAddress(p.Address),
		Aliases:     p.Aliases,
		DriverOpts:  p.Options,
		GwPriority:  p.Priority,
	}
	if p.Network.Spec.Internal {
		e.Gateway = netip.Addr{}
	}
	if p.Asked {
		e.IPAMConfig = &network.EndpointIPAMConfig{IPv4Address: p.Address}
	}
	for _, l := range p.Links {
		e.Links = append(e.Links, l.Target+":"+l.Alias)
	}
	if p.Endpoint.Network != "" {
		e.DNSNames = dnsNames(c, p.Aliases)
	}
	return e
}

// dnsNames are what others find a container by in a network that the account made.
func dnsNames(c *cloud.Container, aliases []string) []string {
	var out []string
	for _, name := range slices.Concat([]string{c.Name}, aliases, []string{c.ID[:12], c.Spec.Hostname}) {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// endpoints are a container's places, by the names of the networks.
func (api *API) endpoints(ctx context.Context, a account.Ref, c *cloud.Container) map[string]*network.EndpointSettings {
	out := map[string]*network.EndpointSettings{}
	for _, p := range api.Networks.Places(a, c) {
		e := endpoint(c, p)
		if rest.Before(ctx, 45) && p.Endpoint.Network != "" { // until then it was among the aliases
			e.Aliases = append(slices.Clone(e.Aliases), c.ID[:12])
		}
		out[p.Network.Name] = e
	}
	return out
}

// networkMode is the network that a container was made in.
func networkMode(c *cloud.Container) string {
	if c.Spec.NetworkMode == "" {
		return rules.OwnName
	}
	return c.Spec.NetworkMode
}

// macAddress follows from the address: 02:42:ac:10:xx:xx.
func macAddress(a netip.Addr) network.HardwareAddr {
	if !a.Is4() {
		return nil
	}
	b := a.As4()
	return network.HardwareAddr(net.HardwareAddr{0x02, 0x42, b[0], b[1], b[2], b[3]})
}

// portMap lists exposed ports, those that are published with their public side.
func portMap(c *cloud.Container, exposedToo bool) network.PortMap {
	out := network.PortMap{}
	if exposedToo {
		for _, e := range c.Spec.Exposed {
			if p, ok := network.PortFrom(e.Number, network.IPProtocol(e.Proto)); ok {
				out[p] = nil
			}
		}
	}
	for _, m := range c.Spec.Published {
		if p, ok := network.PortFrom(m.Number, network.IPProtocol(m.Proto)); ok {
			out[p] = append(out[p], network.PortBinding{HostIP: anyAddress, HostPort: strconv.Itoa(int(m.Public))})
		}
	}
	return out
}

// mountPoints lists the volumes of a container.
func mountPoints(c *cloud.Container, volumes volumesByID) []container.MountPoint {
	out := []container.MountPoint{}
	for _, m := range c.Spec.Mounts {
		name := m.VolumeID // of one that is being removed
		if v, ok := volumes[m.VolumeID]; ok {
			name = v.Name
		}
		out = append(out, container.MountPoint{
			Type: mount.TypeVolume, Name: name, Source: "/volumes/" + name, Destination: m.Destination, Driver: volumeDriver,
			Mode: m.Mode, RW: !m.ReadOnly,
		})
	}
	return out
}
