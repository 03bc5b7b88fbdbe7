package names

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// nowhere are addresses that mean something else to each who has them: no name of the world can lead there. Those of the
// uplinks are added to them. Of 127.0.0.0/8 it is the one address, since lists of senders of spam answer with others.
var nowhere = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("fe80::/10"),
}

// guard holds the addresses that names of the world must not lead to: whoever owns such a name could make a program in a
// container, which trusts the name, talk to a neighbour.
type guard []netip.Prefix

// clean takes out of an answer what leads to guarded addresses, with the signatures over it, and tells whether there was any.
// Aliases and everything else stay; when no address is left, the answer says that the name has none.
func (g guard) clean(m *dns.Msg) bool {
	type set struct {
		name string
		kind uint16
	}
	gone := map[set]bool{}
	sections := []*[]dns.RR{&m.Answer, &m.Ns, &m.Extra}
	for _, s := range sections {
		*s = slices.DeleteFunc(*s, func(rr dns.RR) bool {
			if !slices.ContainsFunc(addresses(rr), g.holds) {
				return false
			}
			gone[set{strings.ToLower(rr.Header().Name), rr.Header().Rrtype}] = true
			return true
		})
	}
	if len(gone) == 0 {
		return false
	}
	for _, s := range sections {
		*s = slices.DeleteFunc(*s, func(rr dns.RR) bool {
			sig, ok := rr.(*dns.RRSIG)
			return ok && gone[set{strings.ToLower(sig.Hdr.Name), sig.TypeCovered}]
		})
	}
	m.AuthenticatedData = false
	return true
}

// addresses are those that a record gives to whoever asks for it.
func addresses(rr dns.RR) []net.IP {
	switch rr := rr.(type) {
	case *dns.A:
		return []net.IP{rr.A}
	case *dns.AAAA:
		return []net.IP{rr.AAAA}
	case *dns.SVCB:
		return hints(rr)
	case *dns.HTTPS:
		return hints(&rr.SVCB)
	}
	return nil
}

func hints(rr *dns.SVCB) (out []net.IP) {
	for _, v := range rr.Value {
		switch v := v.(type) {
		case *dns.SVCBIPv4Hint:
			out = append(out, v.Hint...)
		case *dns.SVCBIPv6Hint:
			out = append(out, v.Hint...)
		}
	}
	return out
}

func (g guard) holds(ip net.IP) bool {
	addr, _ := netip.AddrFromSlice(ip)
	addr = inner(addr)
	return slices.ContainsFunc(g, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// embeds are the IPv6 prefixes whose last four bytes are an IPv4 address: "compatible" ones (with ::1 and :: among them) and NAT64.
var embeds = []netip.Prefix{netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b::/96")}

// inner is the IPv4 address that an address stands for, if it does.
func inner(addr netip.Addr) netip.Addr {
	addr = addr.Unmap()
	for _, p := range embeds {
		if p.Contains(addr) {
			b := addr.As16()
			return netip.AddrFrom4([4]byte(b[12:]))
		}
	}
	return addr
}
