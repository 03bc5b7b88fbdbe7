package network

import (
	"net"
	"net/netip"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// applied is a state that was checked, ready for questions.
type applied struct {
	engine.NetworkState
	networks map[string]engine.PrivateNetwork // by id
	byID     map[string][]engine.Endpoint     // by container, in the order of the state
	groups   map[string]engine.SecurityGroup  // by name
}

// place is an endpoint with its network.
type place struct {
	engine.Endpoint
	net engine.PrivateNetwork
}

// places are a container's.
func (s *applied) places(containerID string) []place {
	var out []place
	for _, e := range s.byID[containerID] {
		out = append(out, place{e, s.networks[e.Network]})
	}
	return out
}

// private tells whether an address belongs to one of the account's networks.
func (s *applied) private(addr netip.Addr) bool {
	for _, p := range s.networks {
		if p.Subnet.Contains(addr) {
			return true
		}
	}
	return false
}

// gateway tells whether an address is the router's own in one of the account's networks.
func (s *applied) gateway(addr netip.Addr) bool {
	for _, p := range s.networks {
		if p.Gateway == addr {
			return true
		}
	}
	return false
}

// check refuses a state that a router cannot be made of.
func (n *Network) check(state engine.NetworkState) (*applied, error) {
	next := &applied{
		NetworkState: state,
		networks:     make(map[string]engine.PrivateNetwork, 1+len(state.Networks)),
		byID:         make(map[string][]engine.Endpoint, len(state.Endpoints)),
		groups:       make(map[string]engine.SecurityGroup, len(state.Groups)),
	}
	for _, p := range state.All() {
		if err := n.checkNetwork(next, p); err != nil {
			return nil, err
		}
		next.networks[p.ID] = p
	}
	if err := checkGroups(next, state.Groups); err != nil {
		return nil, err
	}
	taken := make(map[netip.Addr]string, len(state.Endpoints))
	for _, e := range state.Endpoints {
		if err := checkEndpoint(next, e); err != nil {
			return nil, err
		}
		for _, addr := range []netip.Addr{e.Address, e.FloatingIP} {
			if other, ok := taken[addr]; ok {
				return nil, oops.Conflict("containers %s and %s both have %s", other, e.ContainerID, addr)
			}
			if addr.IsValid() {
				taken[addr] = e.ContainerID
			}
		}
		next.byID[e.ContainerID] = append(next.byID[e.ContainerID], e)
	}
	return next, nil
}

func (n *Network) checkNetwork(known *applied, p engine.PrivateNetwork) error {
	if !p.Subnet.IsValid() || !p.Subnet.Addr().Is4() || p.Subnet != p.Subnet.Masked() || p.Subnet.Bits() > 30 {
		return oops.Invalid("network %s: %s is not an IPv4 subnet with room for containers", p.ID, p.Subnet)
	}
	if !p.Subnet.Contains(p.Gateway) {
		return oops.Invalid("network %s: the gateway %s is not in the subnet %s", p.ID, p.Gateway, p.Subnet)
	}
	if p.Subnet.Overlaps(n.cfg.UplinkPool) {
		return oops.Invalid("network %s: the subnet %s overlaps that of the routers, %s", p.ID, p.Subnet, n.cfg.UplinkPool)
	}
	for _, other := range known.networks {
		if other.ID == p.ID || other.Subnet.Overlaps(p.Subnet) {
			return oops.Conflict("networks %q and %q of one account are the same or have subnets that overlap: %s, %s", other.ID, p.ID, other.Subnet, p.Subnet)
		}
	}
	return nil
}

func checkEndpoint(known *applied, e engine.Endpoint) error {
	mac, err := net.ParseMAC(e.MAC)
	if err != nil || mac.String() != e.MAC || len(mac) != 6 || mac[0]&1 != 0 {
		return oops.Invalid("container %s: %q is not the hardware address of an interface", e.ContainerID, e.MAC)
	}
	p, ok := known.networks[e.Network]
	if !ok {
		return oops.NotFound("container %s: the account has no network %s", e.ContainerID, e.Network)
	}
	if !p.Subnet.Contains(e.Address) || e.Address == p.Gateway || e.Address == p.Subnet.Addr() {
		return oops.Invalid("container %s: %s is not an address for a container", e.ContainerID, e.Address)
	}
	if e.FloatingIP.IsValid() && (!e.FloatingIP.Is4() || engine.PrivatePrefix.Contains(e.FloatingIP) || p.Internal) {
		return oops.Invalid("container %s: %s is not a floating IP, or the network is internal", e.ContainerID, e.FloatingIP)
	}
	if e.Interface < 0 || e.Interface > 255 {
		return oops.Invalid("container %s: an interface has a number from 0 to 255, not %d", e.ContainerID, e.Interface)
	}
	for _, name := range e.Groups {
		if _, there := known.groups[name]; !there {
			return oops.NotFound("container %s: the account has no security group %s", e.ContainerID, name)
		}
	}
	for _, other := range known.byID[e.ContainerID] {
		if other.Network == e.Network || other.Interface == e.Interface {
			return oops.Conflict("container %s is twice in a network, or has two interfaces %s", e.ContainerID, e.Device())
		}
	}
	return nil
}
