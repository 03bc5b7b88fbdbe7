package docker

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/netip"
	"strconv"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/engine"
)

// networkName is the name of an account's private network, the only one that it has.
const networkName = "bridge"

// networkID is the id of an account's network: it has none of its own, so it follows from the account's.
func networkID(a account.Ref) string { return derivedID("network", a.ID()) }

func endpointID(c *cloud.Container) string { return derivedID("endpoint", c.ID) }

func derivedID(kind, of string) string {
	sum := sha256.Sum256([]byte("hyper " + kind + " " + of))
	return hex.EncodeToString(sum[:])
}

// endpoint is a container's place in the network. It keeps its address whether it runs or not.
func endpoint(a account.Ref, c *cloud.Container) *network.EndpointSettings {
	return &network.EndpointSettings{
		NetworkID:   networkID(a),
		EndpointID:  endpointID(c),
		Gateway:     engine.PrivateGateway,
		IPAddress:   c.Address,
		IPPrefixLen: engine.PrivatePrefix.Bits(),
		MacAddress:  macAddress(c.Address),
	}
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
