package network

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/network/names"
	"github.com/hypercloud/hyper/internal/failpoint"
)

// router is one account's.
//
// life is held for reading by whoever uses it, and for writing to open or close it, so that no handle goes away under a
// user. apply is held by the one who changes what the router is; attaching containers goes on meanwhile.
type router struct {
	life sync.RWMutex
	open bool
	gone bool // removed: whoever waited for it looks for a new one

	ns     netns.NsHandle
	nl     *netlink.Handle // inside ns
	gen    *generation     // of its rules
	uplink int             // index of the machine's side
	near   netip.Addr      // the machine's address on the uplink
	far    netip.Addr      // the router's
	names  *names.Resolver

	apply   sync.Mutex
	rules   string // text applied last; "" when not known
	serving bool   // names
	fips    map[netip.Addr]bool
	owed    bool                        // connections were to end, and may live
	subnets map[netip.Prefix]netip.Addr // of networks that the router is in besides the account's own: the gateway in each

	// state is what was applied last; nil when that is not known.
	state atomic.Pointer[applied]
}

func (n *Network) namespacePath(id string) string { return filepath.Join(n.cfg.RunDir, "netns", id) }

// entry returns what stands for an account's router, open or not.
func (n *Network) entry(id string) *router {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.routers[id]
	if r == nil {
		r = &router{ns: -1}
		n.routers[id] = r
	}
	return r
}

// router returns the account's router, made if it is not there. The caller lets go of it by r.life.RUnlock.
func (n *Network) router(a account.Ref) (*router, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	for {
		r := n.entry(a.ID())
		r.life.RLock()
		if r.open {
			return r, nil
		}
		r.life.RUnlock()
		r.life.Lock()
		if !r.open && !r.gone {
			if err := n.openRouter(a, r); err != nil {
				r.close()
				r.life.Unlock()
				return nil, fmt.Errorf("making the account's router: %w", err)
			}
			r.open = true
		}
		r.life.Unlock()
	}
}

// existing is router for those who have no use for a new one: nil when there is none on the machine.
func (n *Network) existing(a account.Ref) (*router, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	if !isNamespace(n.namespacePath(a.ID())) {
		return nil, nil
	}
	return n.router(a)
}

// openRouter makes the namespace and the uplink, or finds them; each step may have been done before.
func (n *Network) openRouter(a account.Ref, r *router) (err error) {
	var made bool
	if r.ns, made, err = openNamespace(n.namespacePath(a.ID())); err != nil {
		return err
	}
	if made {
		r.state.Store(&applied{}) // nobody has a connection to end
	}
	failpoint.Hit("network.after-namespace")
	if r.nl, err = netlink.NewHandleAt(r.ns, unix.NETLINK_ROUTE, unix.NETLINK_NETFILTER); err != nil {
		return err
	}
	if r.gen, err = watchGeneration(r.ns); err != nil {
		return err
	}
	if err := r.furnish(); err != nil {
		return err
	}
	if err := n.connect(a.Slot(), r); err != nil {
		return err
	}
	failpoint.Hit("network.after-uplink")
	r.rules, r.serving = "", false
	r.names = names.New(n.cfg.DNSUpstreams, n.cfg.UplinkPool, n.cfg.Log.With("account", a.ID()))
	return nil
}

// kernelSetting is one of the kernel's switches under /proc/sys/net.
type kernelSetting struct{ name, value, why string }

func (s kernelSetting) because() string {
	if s.why == "" {
		return ""
	}
	return ": " + s.why
}

// routerSettings are those of a router's namespace, in the order in which they have to be made.
var routerSettings = []kernelSetting{
	{"ipv4/ip_forward", "1", "a router forwards"}, // first: it resets others
	{"ipv4/conf/all/rp_filter", "0", "the rules bind each link to its address"}, {"ipv4/conf/default/rp_filter", "0", ""},
	{"ipv4/conf/all/send_redirects", "0", ""}, {"ipv4/conf/default/send_redirects", "0", ""},
	{"ipv4/conf/all/accept_redirects", "0", ""}, {"ipv4/conf/default/accept_redirects", "0", ""},
	{"ipv4/conf/all/accept_source_route", "0", ""}, {"ipv4/conf/default/accept_source_route", "0", ""},
	{"ipv4/conf/all/arp_filter", "1", "who asks as another, or as many, gets no answer and no place in the neighbour table"},
	{"ipv4/conf/default/proxy_arp", "1", "for who asks where a neighbour is, instead of the gateway"},
	{"ipv6/conf/all/disable_ipv6", "1", ""}, {"ipv6/conf/default/disable_ipv6", "1", ""},
}

// linkSettings are what links of containers have from that.
var linkSettings = []kernelSetting{
	{"proxy_arp", "1", "the container may ask where a neighbour is"},
	{"rp_filter", "0", "the rules bind each link to its address"},
}

// furnish sets up what is in the namespace whatever its containers.
func (r *router) furnish() error {
	err := within(r.ns, func() error {
		for _, s := range routerSettings {
			err := os.WriteFile("/proc/sys/net/"+s.name, []byte(s.value), 0o644)
			if err != nil && !(os.IsNotExist(err) && strings.HasPrefix(s.name, "ipv6")) {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("setting up the namespace: %w", err)
	}
	lo, err := r.nl.LinkByName("lo")
	if err != nil {
		return err
	}
	return steps("setting up the namespace",
		func() error { return r.nl.LinkSetUp(lo) },
		func() error { return r.addGateway(lo, engine.PrivatePrefix, engine.PrivateGateway) },
		// What an earlier hyperd added is known again, so that what is stale can go.
		func() (err error) { r.subnets, err = r.carried(lo); return err },
	)
}

// close lets go of what hyperd holds of a router; the router itself stays. life is held for writing.
func (r *router) close() {
	if r.names != nil {
		r.names.Close()
		r.names = nil
	}
	if r.nl != nil {
		r.nl.Close()
		r.nl = nil
	}
	if r.gen != nil {
		r.gen.close()
		r.gen = nil
	}
	if r.ns.IsOpen() {
		_ = r.ns.Close()
	}
	r.ns, r.open, r.fips, r.subnets = -1, false, nil, nil
	r.state.Store(nil)
}

// steps runs what has to be done one after the other.
func steps(what string, all ...func() error) error {
	for _, do := range all {
		if err := do(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return nil
}
