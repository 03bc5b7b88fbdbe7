package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
)

// AttachEndpoint implements engine.Networks.
func (n *Network) AttachEndpoint(_ context.Context, a account.Ref, containerID string, pid int) error {
	r, err := n.router(a)
	if err != nil {
		return err
	}
	defer r.life.RUnlock()
	e, ok := r.endpoint(containerID)
	if !ok {
		return oops.NotFound("container %s has no place in the account's network", containerID)
	}
	ns, err := namespaceOf(pid)
	if err != nil {
		return fmt.Errorf("opening the network namespace of container %s: %w", containerID, err)
	}
	defer ns.Close()
	if err := r.link(e, ns, n.mtu); err != nil {
		return fmt.Errorf("making the link of container %s: %w", containerID, err)
	}
	return nil
}

func (r *router) endpoint(containerID string) (engine.Endpoint, bool) {
	s := r.state.Load()
	if s == nil {
		return engine.Endpoint{}, false
	}
	e, ok := s.byID[containerID]
	return e, ok
}

// namespaceOf opens the network namespace of a process that is alive, and is not hyperd's own.
func namespaceOf(pid int) (netns.NsHandle, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1, fmt.Errorf("process %d: %w", pid, err)
	}
	defer unix.Close(fd)
	ns, err := netns.GetFromPid(pid)
	if err != nil {
		return -1, err
	}
	// The number may have passed to another process in between, but not while this one still lives.
	if err := unix.PidfdSendSignal(fd, 0, nil, 0); err != nil {
		ns.Close()
		return -1, fmt.Errorf("process %d: %w", pid, err)
	}
	own, err := netns.Get()
	if err != nil {
		ns.Close()
		return -1, err
	}
	defer own.Close()
	if ns.Equal(own) {
		ns.Close()
		return -1, oops.Invalid("process %d has no network namespace of its own", pid)
	}
	return ns, nil
}

// link makes the pair between router and container, and sets up both ends. A pair of an earlier attempt goes first.
func (r *router) link(e engine.Endpoint, ns netns.NsHandle, mtu int) error {
	if ns.Equal(r.ns) {
		return oops.Invalid("the container is in the router's own namespace")
	}
	name := linkName(e.ContainerID)
	if err := r.unlink(name); err != nil {
		return err
	}
	mac, err := net.ParseMAC(e.MAC)
	if err != nil {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.HardwareAddr = name, mtu, macOf(engine.PrivateGateway)
	err = r.nl.LinkAdd(&netlink.Veth{
		LinkAttrs: attrs, PeerName: "eth0", PeerNamespace: netlink.NsFd(ns), PeerHardwareAddr: mac, PeerMTU: uint32(mtu),
	})
	if err != nil {
		return err
	}
	failpoint.Hit("network.attach.after-veth")
	l, err := r.nl.LinkByName(name)
	if err != nil {
		return err
	}
	err = steps("the router's end",
		func() error { return r.nl.LinkSetUp(l) },
		func() error {
			return r.nl.NeighSet(&netlink.Neigh{LinkIndex: l.Attrs().Index, Family: unix.AF_INET, State: netlink.NUD_PERMANENT, IP: e.Address.AsSlice(), HardwareAddr: mac})
		},
		func() error {
			return r.nl.RouteReplace(&netlink.Route{LinkIndex: l.Attrs().Index, Dst: ipNet(netip.PrefixFrom(e.Address, 32)), Scope: netlink.SCOPE_LINK})
		},
	)
	if err != nil {
		return err
	}
	if err := furnishContainer(ns, e.Address); err != nil {
		return err
	}
	return r.carries(name)
}

// carries waits until the kernel has noticed that both ends of a link are up; what is sent before is lost. It takes
// less than a millisecond, and is not worth failing for.
func (r *router) carries(name string) error {
	for range 200 {
		l, err := r.nl.LinkByName(name)
		if err != nil {
			return err
		}
		if l.Attrs().OperState == netlink.OperUp {
			break
		}
		time.Sleep(200 * time.Microsecond)
	}
	return nil
}

// furnishContainer sets up the container's end. The address is one of a /16, as anything that looks at it expects, but
// the only neighbour is the gateway, known from the start: neighbours are reached through it, and a container
// that calls every address of the network fills no neighbour table.
func furnishContainer(ns netns.NsHandle, addr netip.Addr) error {
	nl, err := netlink.NewHandleAt(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer nl.Close()
	lo, err := nl.LinkByName("lo")
	if err != nil {
		return err
	}
	eth, err := nl.LinkByName("eth0")
	if err != nil {
		return err
	}
	index := eth.Attrs().Index
	return steps("the container's end",
		func() error { return nl.LinkSetUp(lo) },
		func() error { return withoutIPv6(nl, eth) },
		func() error {
			return nl.AddrReplace(eth, &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(addr, engine.PrivatePrefix.Bits())), Flags: unix.IFA_F_NOPREFIXROUTE})
		},
		func() error { return nl.LinkSetUp(eth) },
		func() error { return nl.NeighSet(permanent(eth, engine.PrivateGateway)) },
		func() error {
			return nl.RouteReplace(&netlink.Route{LinkIndex: index, Dst: ipNet(netip.PrefixFrom(engine.PrivateGateway, 32)), Scope: netlink.SCOPE_LINK, Src: addr.AsSlice()})
		},
		func() error {
			return nl.RouteReplace(&netlink.Route{LinkIndex: index, Gw: engine.PrivateGateway.AsSlice()})
		},
	)
}

// unlink removes the router's end of a link, and with it the container's. Absent is no error.
func (r *router) unlink(name string) error {
	l, err := r.nl.LinkByName(name)
	if err != nil {
		return absent(err)
	}
	if err := r.nl.LinkDel(l); err != nil && !errors.Is(err, unix.ENODEV) {
		return err
	}
	return nil
}

// DetachEndpoint implements engine.Networks.
func (n *Network) DetachEndpoint(_ context.Context, a account.Ref, containerID string) error {
	r, err := n.existing(a)
	if err != nil || r == nil {
		return err
	}
	defer r.life.RUnlock()
	if err := r.unlink(linkName(containerID)); err != nil {
		return fmt.Errorf("removing the link of container %s: %w", containerID, err)
	}
	return nil
}

// EndpointStats implements engine.Networks. What the router receives is what the container sends.
func (n *Network) EndpointStats(_ context.Context, a account.Ref, containerID string) (engine.NetStats, error) {
	r, err := n.existing(a)
	if err != nil {
		return engine.NetStats{}, err
	}
	if r == nil {
		return engine.NetStats{}, oops.NotFound("container %s has no link: the account has no network", containerID)
	}
	defer r.life.RUnlock()
	l, err := r.nl.LinkByName(linkName(containerID))
	if err != nil {
		if absent(err) == nil {
			err = oops.NotFound("container %s has no link: it does not run", containerID)
		}
		return engine.NetStats{}, err
	}
	s := l.Attrs().Statistics
	if s == nil {
		return engine.NetStats{}, nil
	}
	return engine.NetStats{
		RxBytes: s.TxBytes, RxPackets: s.TxPackets, RxErrors: s.TxErrors, RxDropped: s.TxDropped,
		TxBytes: s.RxBytes, TxPackets: s.RxPackets, TxErrors: s.RxErrors, TxDropped: s.RxDropped,
	}, nil
}
