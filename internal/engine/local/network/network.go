// Package network gives each account a private network on this machine.
//
// An account's router is a network namespace, kept by a bind mount under RunDir/netns. Inside, the gateway address is
// on lo, each container hangs on a veth with a route of its own (proxy ARP makes them neighbours), and a veth pair with a
// /31 leads to the machine. Containers' namespaces belong to their processes and die with them.
//
// Everything on the machine bears the instance's name: interfaces <instance>u<slot>, nftables table hyper-<instance>.
package network

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/network/names"
	"github.com/hypercloud/hyper/internal/engine/local/network/ruleset"
	"github.com/hypercloud/hyper/internal/failpoint"
)

// Config is what a Network is made of.
type Config struct {
	Instance     string
	RunDir       string
	UplinkPool   netip.Prefix
	FIPPool      []netip.Prefix
	DNSUpstreams []string
	Log          *slog.Logger
}

// Network implements engine.Networks.
type Network struct {
	Config
	mtu     int
	mu      sync.Mutex
	routers map[string]*router
}

var _ engine.Networks = (*Network)(nil)

// router is one account's.
type router struct {
	mu       sync.Mutex
	ns       netns.NsHandle
	nl       *netlink.Handle
	uplink   int // index of the host's side
	far      netip.Addr
	rules    string
	fips     map[netip.Addr]bool
	names    *names.Resolver
	endpoint map[string]engine.Endpoint
}

// New readies the machine's side: forwarding and its firewall table.
func New(_ context.Context, c Config) (*Network, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	n := &Network{Config: c, mtu: uplinkMTU(), routers: map[string]*router{}}
	if err := os.MkdirAll(filepath.Join(c.RunDir, "netns"), 0o711); err != nil {
		return nil, fmt.Errorf("making the directory of namespaces: %w", err)
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644); err != nil {
		return nil, fmt.Errorf("turning on forwarding: %w", err)
	}
	if err := applyRules(ruleset.Host(n.table(), n.prefix(), c.UplinkPool, c.FIPPool)); err != nil {
		return nil, fmt.Errorf("making the machine's firewall table: %w", err)
	}
	return n, nil
}

func (n *Network) table() string  { return "hyper-" + n.Instance }
func (n *Network) prefix() string { return n.Instance + "u" }

// uplinkMTU is that of the interface with the default route, at most 1500.
func uplinkMTU() int {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return 1500
	}
	for _, r := range routes {
		if r.Dst != nil && !r.Dst.IP.IsUnspecified() {
			continue
		}
		if l, err := netlink.LinkByIndex(r.LinkIndex); err == nil {
			return min(l.Attrs().MTU, 1500)
		}
	}
	return 1500
}

// Close stops the resolvers. The network stays up.
func (n *Network) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range n.routers {
		r.close()
	}
	n.routers = map[string]*router{}
	return nil
}

func (r *router) close() {
	if r.names != nil {
		r.names.Close()
	}
	if r.nl != nil {
		r.nl.Close()
	}
	_ = r.ns.Close()
}

func (n *Network) path(a account.Ref) string { return filepath.Join(n.RunDir, "netns", a.ID()) }

// uplinkAddrs are the two ends of an account's /31: the machine's and the router's.
func (n *Network) uplinkAddrs(slot int) (near, far netip.Addr) {
	b := n.UplinkPool.Masked().Addr().As4()
	v := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	v += uint32(2 * slot)
	at := func(v uint32) netip.Addr {
		return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
	}
	return at(v), at(v + 1)
}

// router returns the account's router, made if it is not there.
func (n *Network) router(a account.Ref) (*router, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if r := n.routers[a.ID()]; r != nil {
		return r, nil
	}
	r, err := n.open(a)
	if err != nil {
		return nil, fmt.Errorf("making the account's router: %w", err)
	}
	n.routers[a.ID()] = r
	return r, nil
}

func (n *Network) open(a account.Ref) (*router, error) {
	ns, err := openNamespace(n.path(a))
	if err != nil {
		return nil, err
	}
	failpoint.Hit("network.after-namespace")
	r := &router{ns: ns, fips: map[netip.Addr]bool{}, endpoint: map[string]engine.Endpoint{}}
	if r.nl, err = netlink.NewHandleAt(ns); err != nil {
		r.close()
		return nil, err
	}
	if err := n.inside(r); err != nil {
		r.close()
		return nil, err
	}
	if err := n.connect(a, r); err != nil {
		r.close()
		return nil, err
	}
	failpoint.Hit("network.after-uplink")
	err = within(ns, func() error {
		gw := net.JoinHostPort(engine.PrivateGateway.String(), "53")
		p, err := net.ListenPacket("udp4", gw)
		if err != nil {
			return err
		}
		s, err := net.Listen("tcp4", gw)
		if err != nil {
			p.Close()
			return err
		}
		r.names = names.Start(p, s, n.DNSUpstreams)
		return nil
	})
	if err != nil {
		r.close()
		return nil, fmt.Errorf("serving names: %w", err)
	}
	return r, nil
}

// inside sets up what is in the namespace whatever its containers.
func (n *Network) inside(r *router) error {
	lo, err := r.nl.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := r.nl.AddrReplace(lo, &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(engine.PrivateGateway, 32))}); err != nil {
		return err
	}
	if err := r.nl.LinkSetUp(lo); err != nil {
		return err
	}
	return within(r.ns, func() error {
		for _, kv := range [][2]string{
			{"ipv4/ip_forward", "1"},
			{"ipv4/conf/all/rp_filter", "0"}, {"ipv4/conf/default/rp_filter", "0"},
			{"ipv4/conf/all/send_redirects", "0"}, {"ipv4/conf/default/send_redirects", "0"},
			{"ipv4/conf/default/proxy_arp", "1"}, {"ipv4/neigh/default/proxy_delay", "0"},
			{"ipv6/conf/all/disable_ipv6", "1"}, {"ipv6/conf/default/disable_ipv6", "1"},
		} {
			p := "/proc/sys/net/" + kv[0]
			if err := os.WriteFile(p, []byte(kv[1]), 0o644); err != nil && !(os.IsNotExist(err) && strings.HasPrefix(kv[0], "ipv6")) {
				return err
			}
		}
		return nil
	})
}

// connect makes the pair between the machine and the router.
func (n *Network) connect(a account.Ref, r *router) error {
	near, far := n.uplinkAddrs(a.Slot())
	r.far = far
	name := n.prefix() + strconv.Itoa(a.Slot())
	host, err := netlink.LinkByName(name)
	up, upErr := r.nl.LinkByName(ruleset.Uplink)
	if err != nil || upErr != nil {
		if err == nil {
			_ = netlink.LinkDel(host)
		}
		if upErr == nil {
			_ = r.nl.LinkDel(up)
		}
		err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name, MTU: n.mtu}, PeerName: ruleset.Uplink, PeerNamespace: netlink.NsFd(r.ns)})
		if err != nil {
			return fmt.Errorf("making the uplink: %w", err)
		}
		if host, err = netlink.LinkByName(name); err != nil {
			return err
		}
		if up, err = r.nl.LinkByName(ruleset.Uplink); err != nil {
			return err
		}
	}
	r.uplink = host.Attrs().Index
	for _, do := range []func() error{
		func() error {
			return netlink.AddrReplace(host, &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(near, 31))})
		},
		func() error { return netlink.LinkSetUp(host) },
		func() error { return r.nl.AddrReplace(up, &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(far, 31))}) },
		func() error { return r.nl.LinkSetUp(up) },
		func() error {
			return r.nl.RouteReplace(&netlink.Route{LinkIndex: up.Attrs().Index, Gw: near.AsSlice()})
		},
		func() error {
			return os.WriteFile("/proc/sys/net/ipv4/conf/"+name+"/rp_filter", []byte("0"), 0o644)
		},
	} {
		if err := do(); err != nil {
			return fmt.Errorf("setting up the uplink: %w", err)
		}
	}
	// What an earlier hyperd routed here is known again, so that what is stale can go.
	routes, err := netlink.RouteList(host, netlink.FAMILY_V4)
	if err != nil {
		return err
	}
	for _, rt := range routes {
		if addr, ok := single(rt.Dst); ok {
			r.fips[addr] = true
		}
	}
	return nil
}

// RemoveNetwork implements engine.Networks.
func (n *Network) RemoveNetwork(_ context.Context, a account.Ref) error {
	if err := a.Check(); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if r := n.routers[a.ID()]; r != nil {
		r.close()
		delete(n.routers, a.ID())
	}
	return errors.Join(n.removeUplink(a.Slot()), removeNamespace(n.path(a)))
}

func (n *Network) removeUplink(slot int) error {
	l, err := netlink.LinkByName(n.prefix() + strconv.Itoa(slot))
	if err != nil {
		return nil //nolint:nilerr // it is not there
	}
	return netlink.LinkDel(l)
}

// Reap removes the routers of accounts that are not kept; when none is, the machine's table too.
func (n *Network) Reap(_ context.Context, keep []engine.Keep) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	kept, slots := map[string]bool{}, map[int]bool{}
	for _, k := range keep {
		kept[k.Account.ID()], slots[k.Account.Slot()] = true, true
	}
	entries, err := os.ReadDir(filepath.Join(n.RunDir, "netns"))
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if !kept[e.Name()] {
			if r := n.routers[e.Name()]; r != nil {
				r.close()
				delete(n.routers, e.Name())
			}
			errs = append(errs, removeNamespace(filepath.Join(n.RunDir, "netns", e.Name())))
		}
	}
	links, err := netlink.LinkList()
	errs = append(errs, err)
	for _, l := range links {
		rest, ok := strings.CutPrefix(l.Attrs().Name, n.prefix())
		slot, err := strconv.Atoi(rest)
		if ok && err == nil && !slots[slot] {
			if err := netlink.LinkDel(l); err != nil && !errors.Is(err, unix.ENODEV) {
				errs = append(errs, err)
			}
		}
	}
	if len(keep) == 0 {
		errs = append(errs, applyRules(fmt.Sprintf("table inet %[1]s\ndelete table inet %[1]s\n", n.table())))
	}
	return errors.Join(errs...)
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 32)}
}

func single(n *net.IPNet) (netip.Addr, bool) {
	if n == nil {
		return netip.Addr{}, false
	}
	ones, bits := n.Mask.Size()
	addr, ok := netip.AddrFromSlice(n.IP.To4())
	return addr, ok && ones == 32 && bits == 32
}
