// Package network gives each account a private network on this machine.
//
// An account's router is a network namespace, kept by a bind mount under RunDir/netns (router.go, namespace.go). Inside,
// the gateway address is on lo, each container hangs on a veth of its own with a route to it (endpoint.go), and a veth
// pair with a /31 leads to the machine (uplink.go). There is no bridge: what neighbours say to each other is routed, and so
// passes the same rules as everything else. Containers' namespaces belong to their processes and die with them.
//
// The router's rules are a pure function of the account's state (package ruleset), replaced as a whole when their text
// changes (apply.go). A floating IP is a route on the machine to the account's router, and an address translation there
// (floating.go). Names are answered by a resolver per account (package names), whose sockets are in the router's namespace.
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
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// Config is what a Network is made of.
type Config struct {
	Instance     string         // 1 to 8 of a-z and 0-9
	RunDir       string         // its directory netns holds the routers
	UplinkPool   netip.Prefix   // links between machine and routers, two addresses an account; default 100.64.0.0/16
	FIPPool      []netip.Prefix // floating IPs
	DNSUpstreams []string       // address or address:port of name servers; none: those of /etc/resolv.conf, read for each question
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
	for _, p := range append([]netip.Prefix{c.UplinkPool}, c.FIPPool...) {
		if !p.Addr().Is4() || p.Overlaps(engine.PrivatePrefix) {
			return nil, oops.Invalid("pool %s: use IPv4 addresses outside of the accounts' private network %s", p, engine.PrivatePrefix)
		}
	}
	if err := os.MkdirAll(filepath.Join(c.RunDir, "netns"), 0o711); err != nil {
		return nil, fmt.Errorf("making the directory of namespaces: %w", err)
	}
	host, err := netlink.NewHandle(unix.NETLINK_ROUTE, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, fmt.Errorf("speaking to the kernel: %w", err)
	}
	n := &Network{cfg: c, host: host, aboutTo: aboutTo, routers: map[string]*router{}}
	if err := n.prepare(ctx); err != nil {
		host.Close()
		return nil, err
	}
	return n, nil
}

// Close stops the resolvers. The network stays up.
func (n *Network) Close() error {
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
