package engine

import (
	"context"
	"net/netip"

	"github.com/hypercloud/hyper/internal/account"
)

// Networks gives each account a private network: 172.16.0.0/16 behind a router of its own. Accounts
// use the same addresses and never meet.
type Networks interface {
	// ApplyNetwork makes the account's router (namespace, uplink, firewall, floating IP routes, names) what
	// state says; the rules are a pure function of state and are replaced atomically. Established
	// connections that are still allowed survive. An account without a router gets one.
	ApplyNetwork(ctx context.Context, a account.Ref, state NetworkState) error
	// AttachEndpoint connects the network namespace of process pid to the account's router as eth0 with the
	// endpoint's address. The endpoint must be in the applied state. Its interfaces vanish with the process.
	AttachEndpoint(ctx context.Context, a account.Ref, containerID string, pid int) error
	// DetachEndpoint removes the router's side of a container's link, if it is still there.
	DetachEndpoint(ctx context.Context, a account.Ref, containerID string) error
	// EndpointStats reads the counters of a container's link.
	EndpointStats(ctx context.Context, a account.Ref, containerID string) (NetStats, error)
	// RemoveNetwork removes the account's router. Absent is no error.
	RemoveNetwork(ctx context.Context, a account.Ref) error
}

// NetworkState is all that an account's router is made of.
type NetworkState struct {
	Endpoints []Endpoint // of all containers of the account that exist, running or not
}

// Endpoint is one container's place in its account's network.
type Endpoint struct {
	ContainerID string
	Address     netip.Addr // inside 172.16.0.0/16, kept for the container's life
	MAC         string     // derived from the address: 02:42:ac:10:xx:xx
	Names       []string   // lower case: container name, hostname, short id
	FloatingIP  netip.Addr // invalid: none
	Ports       []PublishedPort
}

// PublishedPort opens one port of the container on its floating IP.
type PublishedPort struct {
	Proto   string // tcp or udp
	Public  uint16 // on the floating IP
	Private uint16 // of the container
}

// Prefix of every account's private network, and the router's address in it.
var (
	PrivatePrefix  = netip.MustParsePrefix("172.16.0.0/16")
	PrivateGateway = netip.MustParseAddr("172.16.0.1")
)
