package engine

import (
	"context"
	"net/netip"
	"strconv"

	"github.com/hypercloud/hyper/internal/account"
)

// Networks gives each account a network of its own, 172.16.0.0/16, and those that it makes besides, all behind one
// router. Accounts use the same addresses and never meet; an account's networks have addresses of their own, and meet
// nowhere but at floating IPs.
type Networks interface {
	// ApplyNetwork makes the account's router (namespace, uplink, gateways, firewall, floating IP routes, names) what
	// state says; the rules are a pure function of state and are replaced atomically. Established
	// connections that are still allowed survive. An account without a router gets one.
	ApplyNetwork(ctx context.Context, a account.Ref, state NetworkState) error
	// AttachEndpoints gives the network namespace of process pid the interfaces that the container has in the applied
	// state, and no others of the account's: what is there and right is left as it is. The interfaces vanish with the process.
	AttachEndpoints(ctx context.Context, a account.Ref, containerID string, pid int) error
	// DetachEndpoints removes the router's side of a container's links, if it is still there.
	DetachEndpoints(ctx context.Context, a account.Ref, containerID string) error
	// EndpointStats reads the counters of a container's links, by the interface's name inside.
	EndpointStats(ctx context.Context, a account.Ref, containerID string) (map[string]NetStats, error)
	// Publishes tells whether the machine can publish ports of a protocol. All can those of tcp and udp.
	Publishes(proto string) bool
	// HeldElsewhere asks the networks that the machine is in for addresses, and tells in words which host has those that somebody has, other
	// than this engine's accounts. It takes less than half a second, whatever their number; an address of no such network is nobody's.
	HeldElsewhere(ctx context.Context, addrs []netip.Addr) (map[netip.Addr]string, error)
	// RemoveNetwork removes the account's router. Absent is no error.
	RemoveNetwork(ctx context.Context, a account.Ref) error
}

// NetworkState is all that an account's router is made of.
type NetworkState struct {
	Networks  []PrivateNetwork // besides the one that every account has
	Endpoints []Endpoint       // of all containers of the account that exist, running or not
	Groups    []SecurityGroup  // at least those that endpoints carry, and those that their rules name
}

// PrivateNetwork is one of an account's networks.
type PrivateNetwork struct {
	ID       string       // "" is the one that every account has
	Subnet   netip.Prefix // IPv4; overlaps no other network of the account
	Gateway  netip.Addr   // the router's address in it
	Internal bool         // nothing in it reaches, or is reached from, anything else
}

// OwnNetwork is the network that every account has.
func OwnNetwork() PrivateNetwork {
	return PrivateNetwork{Subnet: PrivatePrefix, Gateway: PrivateGateway}
}

// All lists the account's networks, its own first.
func (s NetworkState) All() []PrivateNetwork {
	return append([]PrivateNetwork{OwnNetwork()}, s.Networks...)
}

// Endpoint is a container's place in one network. Of a container's endpoints, the first in the list whose network is not
// internal has the default route, and the floating IP if there is one.
type Endpoint struct {
	ContainerID string
	Network     string            // id; "": the account's own
	Interface   int               // N of ethN, 0 to 255; each endpoint of a container has another
	Address     netip.Addr        // inside the network's subnet
	MAC         string            // derived from the address: 02:42:ac:10:xx:xx
	Names       []string          // lower case: container name, hostname, short id, aliases
	Links       map[string]string // names that this container alone knows others of the network by: of each, a name of the other
	Idle        bool              // it does not run: its names stand for other containers, if these have them too
	FloatingIP  netip.Addr        // invalid: none
	Ports       []PublishedPort
	Groups      []string // names of the security groups of the container, the same for all its endpoints; none: all is allowed
}

// Device is the name of the endpoint's interface inside the container.
func (e Endpoint) Device() string { return "eth" + strconv.Itoa(e.Interface) }

// PublishedPort opens one port of the container on its floating IP.
type PublishedPort struct {
	Proto   string // tcp, udp or sctp: see Publishes
	Public  uint16 // on the floating IP
	Private uint16 // of the container
}

// SecurityGroup is a list of what is allowed to the containers that carry it, and with them (behaviour 8). What no rule of their groups
// allows is refused; answers are always allowed, and so is the router: it tells them names, and answers their pings.
type SecurityGroup struct {
	Name  string // letters, digits and ". _ -", beginning with a letter or digit, at most 63
	Rules []GroupRule
}

// GroupRule allows connections with one kind of peers: whoever has an address in Prefix, or the containers that carry Group. A
// peer is the real one: the caller before its address is translated, the container behind a floating IP.
type GroupRule struct {
	Egress      bool         // the carriers begin the connection; if not, the peers do
	Proto       string       // tcp, udp, icmp, or "" for all there are
	First, Last uint16       // ports of the callee (tcp, udp), types (icmp); not looked at for ""
	Prefix      netip.Prefix // one for IPv6 matches nobody
	Group       string       // "" if Prefix is meant
}

// Prefix of the network that every account has, and the router's address in it, where names are asked for from all networks.
var (
	PrivatePrefix  = netip.MustParsePrefix("172.16.0.0/16")
	PrivateGateway = netip.MustParseAddr("172.16.0.1")
)

// NetworkPool is what further networks have their subnets from, when none is asked for.
var NetworkPool = netip.MustParsePrefix("172.24.0.0/13")
