package network

import (
	"net/netip"
	"slices"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

const (
	// poolBits is the size of the subnets that are taken from engine.NetworkPool: 4,096 addresses each, 128 of them.
	poolBits = 20
	// The sizes that may be asked for.
	widest, narrowest = 8, 29
)

// special are ranges that are no network's: of this machine, of its links, of many at once, or of nobody.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("224.0.0.0/3"),
}

// freeSubnet takes a subnet from the pool that neither a network of the account overlaps nor the platform's own addresses.
func (s *Service) freeSubnet(v *store.View) (netip.Prefix, error) {
	taken := slices.Clone(s.Reserved)
	for _, n := range v.Networks() {
		taken = append(taken, n.Spec.Subnet)
	}
	for p := netip.PrefixFrom(engine.NetworkPool.Addr(), poolBits); engine.NetworkPool.Contains(p.Addr()); p = after(p) {
		if !slices.ContainsFunc(taken, p.Overlaps) {
			return p, nil
		}
	}
	return netip.Prefix{}, oops.Exhausted("the account's networks use up %s: remove one, or choose a subnet elsewhere by --subnet", engine.NetworkPool)
}

// after is the subnet that follows one of the same size.
func after(p netip.Prefix) netip.Prefix { return netip.PrefixFrom(broadcast(p).Next(), p.Bits()) }

// broadcast is the last address of a subnet.
func broadcast(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(b)
}

// usable tells whether an address of a subnet can be somebody's.
func usable(p netip.Prefix, addr netip.Addr) bool {
	return p.Contains(addr) && addr != p.Masked().Addr() && addr != broadcast(p)
}

// checkSubnet says what is wrong with a subnet that was asked for. Others of the account are the store's concern.
func (s *Service) checkSubnet(p netip.Prefix) error {
	if !p.Addr().Is4() {
		return oops.Invalid("the subnet %s is not IPv4: networks here are", p)
	}
	if p != p.Masked() {
		return oops.Invalid("invalid subnet %s: it should be %s", p, p.Masked())
	}
	if p.Bits() < widest || p.Bits() > narrowest {
		return oops.Invalid("the subnet %s is too large or too small: a network's size is from /%d to /%d", p, widest, narrowest)
	}
	for _, r := range slices.Concat([]netip.Prefix{engine.PrivatePrefix}, special, s.Reserved) {
		if r.Overlaps(p) {
			return oops.Invalid("the subnet %s cannot be used: it overlaps %s, which is the platform's or has a meaning of its own", p, r)
		}
	}
	return nil
}
