package fip

import (
	"iter"
	"net/netip"
	"slices"
)

// pool is what can be given, as spans in order.
type pool struct {
	spans    []span
	excluded map[netip.Addr]bool
}

// span is a run of addresses, both ends included.
type span struct{ first, last netip.Addr }

func newPool(prefixes []netip.Prefix, exclude []netip.Addr) pool {
	p := pool{excluded: map[netip.Addr]bool{}}
	for _, prefix := range prefixes {
		p.spans = append(p.spans, usable(prefix))
	}
	slices.SortFunc(p.spans, func(x, y span) int { return x.first.Compare(y.first) })
	for _, addr := range exclude {
		p.excluded[addr.Unmap()] = true
	}
	return p
}

// usable leaves out what a network keeps for itself: its own address, the one after it (by custom the
// router's) and the last (broadcast). A /31 or /32 has no such addresses.
func usable(prefix netip.Prefix) span {
	first := prefix.Masked().Addr()
	b := first.As4()
	for bit := prefix.Bits(); bit < 32; bit++ {
		b[bit/8] |= 1 << (7 - bit%8)
	}
	last := netip.AddrFrom4(b)
	if prefix.Bits() >= 31 {
		return span{first, last}
	}
	return span{first.Next().Next(), last.Prev()}
}

// all goes through the addresses that can be given, the lowest first.
func (p pool) all() iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for _, s := range p.spans {
			for addr := s.first; addr.IsValid() && !s.last.Less(addr); addr = addr.Next() {
				if !p.excluded[addr] && !yield(addr) {
					return
				}
			}
		}
	}
}
