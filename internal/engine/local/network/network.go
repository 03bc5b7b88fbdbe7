// Package network gives each account a private network on this machine.
//
// An account's router is a network namespace, kept by a bind mount under RunDir/netns (router.go, namespace.go). Inside,
// the gateway address is on lo, each container hangs on a veth of its own with a route to it (endpoint.go), and a veth
// pair with a /31 leads to the machine (uplink.go). There is no bridge: what neighbours say to each other is routed, and so
// passes the same rules as everything else. Containers' namespaces belong to their processes and die with them.
//
// The router's rules are a pure function of the account's state (package ruleset), replaced as a whole when their text
// changes (apply.go). A floating IP is a route on the machine to the account's router, and an address translation there
// (floating.go); the kernel answers ARP for one of a network that the machine is in (segment.go), and hyperd announces it (announce.go), sees to it when
// interfaces change (follow.go), and asks who else has one (elsewhere.go). Names are answered by a resolver per account (package names), whose sockets are in the router's namespace.
//
// What became of all that can be compared with what it is meant to be (audit.go), and put right (mend.go).
//
// Everything on the machine bears the instance's name, so that several hyperds live beside each other: interfaces
// <instance>-u<slot>, nftables table inet hyper-<instance> (machine.go). Nothing here is remembered elsewhere than in the
// kernel: a new hyperd finds the namespaces and links of the one before and goes on with them.
package network

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"go4.org/netipx"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// Config is what a Network is made of.
type Config struct {
	Instance     string           // 1 to 8 of a-z and 0-9
	RunDir       string           // its directory netns holds the routers
	UplinkPool   netip.Prefix     // links between machine and routers, two addresses an account; default 100.64.0.0/16
	FIPPools     []netipx.IPRange // of floating IPs
	FIPs         *netipx.IPSet    // of the pools, what can be a floating IP; nil: all of them
	MTU          int              // bytes of a packet from or to containers; 0: that of the interface with the default route
	DNSUpstreams []string         // address or address:port of name servers; none: those of /etc/resolv.conf, read for each question
	Log          *slog.Logger
}

// Network implements engine.Networks.
type Network struct {
	cfg  Config
	mtu  int
	host *netlink.Handle // of the machine's namespace

	aboutTo time.Duration // how long an audit waits for what hyperd is about to do

	mu      sync.Mutex
	routers map[string]*router // by account id

	// What goes on in the background ends with life.
	life       context.Context
	end        context.CancelFunc
	background sync.WaitGroup
}

var (
	_ engine.Networks = (*Network)(nil)
	_ engine.Auditor  = (*Network)(nil)
)

var instancePattern = regexp.MustCompile(`^[a-z0-9]{1,8}$`)

// New readies the machine's side: forwarding and its firewall table. It touches no router.
// Errors: ErrInvalidArgument for a configuration that cannot work, ErrFailedPrecondition for one that collides with the machine's.
func New(ctx context.Context, c Config) (*Network, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if !c.UplinkPool.IsValid() {
		c.UplinkPool = netip.MustParsePrefix("100.64.0.0/16")
	}
	c.UplinkPool = c.UplinkPool.Masked()
	if !instancePattern.MatchString(c.Instance) {
		return nil, oops.Invalid("instance %q: use 1 to 8 of the characters a-z and 0-9", c.Instance)
	}
	if err := c.pools(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(c.RunDir, "netns"), 0o711); err != nil {
		return nil, fmt.Errorf("making the directory of namespaces: %w", err)
	}
	host, err := netlink.NewHandle(unix.NETLINK_ROUTE, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, fmt.Errorf("speaking to the kernel: %w", err)
	}
	n := &Network{cfg: c, host: host, aboutTo: aboutTo, routers: map[string]*router{}}
	n.life, n.end = context.WithCancel(context.Background())
	if err := n.prepare(ctx); err != nil {
		host.Close()
		return nil, err
	}
	if err := n.follow(); err != nil {
		return nil, errors.Join(fmt.Errorf("following the machine's interfaces: %w", err), n.Close())
	}
	return n, nil
}

// pools checks the pools against each other, and completes them.
func (c *Config) pools() error {
	if !c.UplinkPool.Addr().Is4() || c.UplinkPool.Overlaps(engine.PrivatePrefix) {
		return oops.Invalid("uplink pool %s: use IPv4 addresses outside of the accounts' private network %s", c.UplinkPool, engine.PrivatePrefix)
	}
	if c.FIPs == nil {
		var all netipx.IPSetBuilder
		for _, r := range c.FIPPools {
			all.AddRange(r)
		}
		var err error
		if c.FIPs, err = all.IPSet(); err != nil {
			return err
		}
	}
	for _, r := range c.FIPPools {
		if !r.From().Is4() {
			return oops.Invalid("the pool of floating IPs %s: use IPv4 addresses", r)
		}
	}
	if c.FIPs.OverlapsPrefix(engine.PrivatePrefix) {
		return oops.Invalid("the floating IPs have addresses of the accounts' private network %s: choose another fip-pool", engine.PrivatePrefix)
	}
	if c.FIPs.OverlapsPrefix(c.UplinkPool) {
		return oops.Invalid("the floating IPs have addresses of the uplink pool %s, which is for the links to the accounts' routers: choose another fip-pool or uplink-pool", c.UplinkPool)
	}
	return nil
}

// Close stops the resolvers, and what goes on in the background. The network stays up.
func (n *Network) Close() error {
	n.end()
	n.background.Wait()
	n.mu.Lock()
	all := n.routers
	n.routers = map[string]*router{}
	n.mu.Unlock()
	for _, r := range all {
		r.life.Lock()
		r.close()
		r.gone = true
		r.life.Unlock()
	}
	n.host.Close()
	return nil
}

// RemoveNetwork implements engine.Networks.
func (n *Network) RemoveNetwork(_ context.Context, a account.Ref) error {
	if err := a.Check(); err != nil {
		return err
	}
	return n.remove(a.ID(), n.uplinkName(a.Slot()))
}

// remove takes a router away: what runs in hyperd, the link to the machine, the namespace.
func (n *Network) remove(id, uplink string) error {
	r := n.entry(id)
	r.life.Lock()
	for r.gone { // removed by somebody else meanwhile; what stands for the account now may be another's work
		r.life.Unlock()
		r = n.entry(id)
		r.life.Lock()
	}
	defer r.life.Unlock()
	r.close()
	var errs []error
	if uplink != "" {
		errs = append(errs, n.removeUplink(uplink))
	}
	errs = append(errs, removeNamespace(n.namespacePath(id)))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("removing the account's router: %w", err)
	}
	r.gone = true
	n.mu.Lock()
	if n.routers[id] == r {
		delete(n.routers, id)
	}
	n.mu.Unlock()
	return nil
}
