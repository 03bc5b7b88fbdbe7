package network

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/network/ruleset"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
)

// linkName is the router's interface of a container's ethN; the id is hashed since a prefix of it might be shared.
func linkName(containerID string, n int) string {
	sum := sha256.Sum256([]byte(containerID))
	name := ruleset.Link + hex.EncodeToString(sum[:6])
	if n > 0 {
		name += fmt.Sprintf("%02x", n)
	}
	return name
}

// ownerOf is what the names of all links of one container begin with.
func ownerOf(link string) string { return link[:min(len(link), len(linkName("", 0)))] }

// AttachEndpoints implements engine.Networks.
func (n *Network) AttachEndpoints(_ context.Context, a account.Ref, containerID string, pid int) error {
	r, err := n.router(a)
	if err != nil {
		return err
	}
	defer r.life.RUnlock()
	state := r.state.Load()
	if state == nil {
		return oops.NotFound("container %s has no place in the account's network", containerID)
	}
	ns, err := namespaceOf(a, pid)
	if err != nil {
		return fmt.Errorf("opening the network namespace of container %s: %w", containerID, err)
	}
	defer ns.Close()
	if err := r.attach(state.places(containerID), ns, n.mtu); err != nil {
		return fmt.Errorf("making the links of container %s: %w", containerID, err)
	}
	return nil
}

// namespaceOf opens the network namespace of a process that is alive, is the account's, and is not in hyperd's own.
func namespaceOf(a account.Ref, pid int) (netns.NsHandle, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1, fmt.Errorf("process %d: %w", pid, err)
	}
	defer unix.Close(fd)
	ns, err := netns.GetFromPid(pid)
	if err != nil {
		return -1, err
	}
	if err := belongs(a, pid); err != nil {
		ns.Close()
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

// attach makes the links between router and container that are missing, removes those that should not be, and sets up both ends.
func (r *router) attach(places []place, ns netns.NsHandle, mtu int) error {
	if ns.Equal(r.ns) {
		return oops.Invalid("the container is in the router's own namespace")
	}
	in, err := openInside(ns)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := r.prune(places, in); err != nil {
		return err
	}
	for _, p := range places {
		if err := r.link(p, in, mtu); err != nil {
			return fmt.Errorf("%s: %w", p.Device(), err)
		}
	}
	if err := in.routes(places); err != nil {
		return err
	}
	for _, p := range places {
		if err := r.carries(linkName(p.ContainerID, p.Interface)); err != nil {
			return err
		}
	}
	return nil
}

// prune removes the links of a container that are none of its places.
func (r *router) prune(places []place, in *inside) error {
	wanted := map[string]bool{}
	for _, p := range places {
		wanted[linkName(p.ContainerID, p.Interface)] = true
	}
	links, err := whole(in.LinkList)
	if err != nil {
		return err
	}
	for _, l := range links {
		a := l.Attrs()
		if l.Type() != "veth" || a.NetNsID < 0 {
			continue // not a link with an end elsewhere
		}
		peer, err := r.nl.LinkByIndex(a.ParentIndex)
		if err != nil {
			if absent(err) == nil {
				continue
			}
			return err
		}
		name := peer.Attrs().Name
		if peer.Attrs().ParentIndex != a.Index || !strings.HasPrefix(name, ruleset.Link) || wanted[name] {
			continue
		}
		if err := r.unlink(name); err != nil {
			return fmt.Errorf("removing the link %s: %w", name, err)
		}
	}
	return nil
}

// link makes the pair for one place, unless it is there. What was left of an earlier attempt goes first.
func (r *router) link(p place, in *inside, mtu int) error {
	name := linkName(p.ContainerID, p.Interface)
	mac, err := net.ParseMAC(p.MAC)
	if err != nil {
		return err
	}
	l, err := r.nl.LinkByName(name)
	if absent(err) != nil {
		return err
	}
	if err != nil || !in.has(p, l.Attrs()) {
		if err := r.unlink(name); err != nil {
			return err
		}
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.MTU, attrs.HardwareAddr = name, mtu, macOf(p.net.Gateway)
		err = r.nl.LinkAdd(&netlink.Veth{
			LinkAttrs: attrs, PeerName: p.Device(), PeerNamespace: netlink.NsFd(in.ns), PeerHardwareAddr: mac, PeerMTU: uint32(mtu),
		})
		if err != nil {
			return err
		}
		failpoint.Hit("network.attach.after-veth")
		if l, err = r.nl.LinkByName(name); err != nil {
			return err
		}
	}
	err = steps("the router's end",
		func() error { return r.nl.LinkSetMTU(l, mtu) },
		func() error { return r.nl.LinkSetUp(l) },
		func() error {
			return r.nl.NeighSet(&netlink.Neigh{LinkIndex: l.Attrs().Index, Family: unix.AF_INET, State: netlink.NUD_PERMANENT, IP: p.Address.AsSlice(), HardwareAddr: mac})
		},
		func() error {
			return r.nl.RouteReplace(&netlink.Route{LinkIndex: l.Attrs().Index, Dst: ipNet(netip.PrefixFrom(p.Address, 32)), Scope: netlink.SCOPE_LINK})
		},
	)
	if err != nil {
		return err
	}
	return in.furnish(p, mtu)
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

// DetachEndpoints implements engine.Networks.
func (n *Network) DetachEndpoints(_ context.Context, a account.Ref, containerID string) error {
	r, err := n.existing(a)
	if err != nil || r == nil {
		return err
	}
	defer r.life.RUnlock()
	for _, nth := range r.interfaces(containerID) {
		if err := r.unlink(linkName(containerID, nth)); err != nil {
			return fmt.Errorf("removing eth%d of container %s: %w", nth, containerID, err)
		}
	}
	return nil
}

// interfaces are the numbers of a container's interfaces: eth0, and those of the applied state.
func (r *router) interfaces(containerID string) []int {
	out := []int{0}
	if s := r.state.Load(); s != nil {
		for _, e := range s.byID[containerID] {
			if e.Interface != 0 {
				out = append(out, e.Interface)
			}
		}
	}
	return out
}

// EndpointStats implements engine.Networks. What the router receives is what the container sends.
func (n *Network) EndpointStats(_ context.Context, a account.Ref, containerID string) (map[string]engine.NetStats, error) {
	r, err := n.existing(a)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, oops.NotFound("container %s has no link: the account has no network", containerID)
	}
	defer r.life.RUnlock()
	out := map[string]engine.NetStats{}
	for _, nth := range r.interfaces(containerID) {
		l, err := r.nl.LinkByName(linkName(containerID, nth))
		if err != nil {
			if absent(err) == nil {
				continue
			}
			return nil, err
		}
		s := l.Attrs().Statistics
		if s == nil {
			s = &netlink.LinkStatistics{}
		}
		out[engine.Endpoint{Interface: nth}.Device()] = engine.NetStats{
			RxBytes: s.TxBytes, RxPackets: s.TxPackets, RxErrors: s.TxErrors, RxDropped: s.TxDropped,
			TxBytes: s.RxBytes, TxPackets: s.RxPackets, TxErrors: s.RxErrors, TxDropped: s.RxDropped,
		}
	}
	if len(out) == 0 {
		return nil, oops.NotFound("container %s has no link: it does not run, or is in no network", containerID)
	}
	return out, nil
}
