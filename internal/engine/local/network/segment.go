package network

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"

	"github.com/hypercloud/hyper/internal/engine/local/network/neighbours"
	"github.com/hypercloud/hyper/internal/engine/local/network/ruleset"
)

// segment is a network that the machine is in, on an interface whose hosts find each other by ARP.
type segment struct {
	link   *netlink.LinkAttrs
	addr   netip.Addr // the machine's own
	prefix netip.Prefix
}

func (s *segment) neighbours() neighbours.Link {
	return neighbours.Link{Index: s.link.Index, Address: s.addr}
}

// segments are those of one moment, the narrowest networks first, and of equal ones those on interfaces that work.
type segments []segment

func (n *Network) segments() (segments, error) {
	links, err := whole(n.host.LinkList)
	if err != nil {
		return nil, fmt.Errorf("listing the machine's interfaces: %w", err)
	}
	byIndex := map[int]*netlink.LinkAttrs{}
	for _, l := range links {
		byIndex[l.Attrs().Index] = l.Attrs()
	}
	addrs, err := whole(func() ([]netlink.Addr, error) { return n.host.AddrList(nil, netlink.FAMILY_V4) })
	if err != nil {
		return nil, fmt.Errorf("listing the machine's addresses: %w", err)
	}
	var out segments
	for _, a := range addrs {
		l, p := byIndex[a.LinkIndex], netip.Prefix{}
		own, ok := netip.AddrFromSlice(a.IP.To4())
		if ones, bits := a.Mask.Size(); ok && bits == 32 {
			p = netip.PrefixFrom(own, ones).Masked()
		}
		if l == nil || !p.IsValid() || p.Bits() > 30 || p.Bits() == 0 || !speaksARP(l) || n.own(l.Name) {
			continue
		}
		out = append(out, segment{l, own, p})
	}
	slices.SortStableFunc(out, func(x, y segment) int {
		return cmp.Or(-cmp.Compare(x.prefix.Bits(), y.prefix.Bits()), down(x.link)-down(y.link), cmp.Compare(x.link.Index, y.link.Index))
	})
	return out, nil
}

// speaksARP tells of interfaces like those of Ethernet.
func speaksARP(l *netlink.LinkAttrs) bool {
	const noARP = 0x80 // IFF_NOARP
	return len(l.HardwareAddr) == 6 && l.Flags&(net.FlagLoopback|net.FlagPointToPoint) == 0 && l.RawFlags&noARP == 0
}

// down is 1 for an interface that does not work.
func down(l *netlink.LinkAttrs) int {
	if l.Flags&net.FlagUp != 0 && l.OperState != netlink.OperDown && l.OperState != netlink.OperLowerLayerDown {
		return 0
	}
	return 1
}

// of is the segment that a floating IP belongs to, nil if there is none: then it is for somebody else to route it to the machine.
func (s segments) of(addr netip.Addr) *segment {
	if ruleset.MachineOnly(addr) {
		return nil
	}
	for i := range s {
		if s[i].prefix.Contains(addr) {
			return &s[i]
		}
	}
	return nil
}
