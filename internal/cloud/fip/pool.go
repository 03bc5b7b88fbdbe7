package fip

import (
	"fmt"
	"iter"
	"net/netip"
	"strings"

	"go4.org/netipx"

	"github.com/hypercloud/hyper/internal/engine"
)

// Pool is what the operator has for the accounts to take addresses from. The zero Pool has none.
type Pool struct {
	named []netipx.IPRange // as the operator named them, whole
	given *netipx.IPSet    // of those, what can be given
}

// special are ranges that are nobody's address outside: of this machine, of its links, of many at once, or of the accounts.
var special = []struct {
	prefix netip.Prefix
	what   string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "addresses of no host"},
	{netip.MustParsePrefix("127.0.0.0/8"), "each machine's own loopback addresses"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local addresses"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast addresses"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved and broadcast addresses"},
	{engine.PrivatePrefix, "the accounts' private addresses"},
}

// ParsePool reads what the operator names: prefixes (203.0.113.0/28), ranges (203.0.113.10-203.0.113.20) and single addresses, in both lists.
// Of a prefix, what a network keeps for itself is never given; of a range everything is. Errors are sentences for the operator.
func ParsePool(pools, exclude []string) (Pool, error) {
	var p Pool
	var given netipx.IPSetBuilder
	for _, text := range pools {
		whole, usable, err := parseSpan("fip-pool", text)
		if err != nil {
			return Pool{}, err
		}
		for i, other := range p.named {
			if whole.Overlaps(other) {
				return Pool{}, fmt.Errorf("fip-pool %s and fip-pool %s overlap: name each address once", pools[i], text)
			}
		}
		p.named = append(p.named, whole)
		given.AddRange(usable)
	}
	for _, text := range exclude {
		whole, _, err := parseSpan("fip-exclude", text)
		if err != nil {
			return Pool{}, err
		}
		given.RemoveRange(whole)
	}
	var err error
	if p.given, err = given.IPSet(); err != nil {
		return Pool{}, fmt.Errorf("fip-pool: %w", err)
	}
	for i, whole := range p.named {
		for _, s := range special {
			if r := netipx.RangeOfPrefix(s.prefix); r.Overlaps(whole) && p.gives(r, whole) {
				return Pool{}, fmt.Errorf("fip-pool %s has addresses of %s, which are %s: choose another pool, or leave them out by fip-exclude", pools[i], s.prefix, s.what)
			}
		}
		if !p.given.OverlapsRange(whole) {
			return Pool{}, fmt.Errorf("fip-pool %s: nothing is left of it: of a prefix the first two addresses and the last are never given (a range has no such addresses), and fip-exclude takes its own", pools[i])
		}
	}
	return p, nil
}

// MustPool is ParsePool for pools that are known to be good.
func MustPool(pools ...string) Pool {
	p, err := ParsePool(pools, nil)
	if err != nil {
		panic(err)
	}
	return p
}

// gives tells whether an address that is in both ranges, which overlap, can be given.
func (p Pool) gives(x, y netipx.IPRange) bool {
	from, to := x.From(), x.To()
	if from.Less(y.From()) {
		from = y.From()
	}
	if y.To().Less(to) {
		to = y.To()
	}
	return p.given.OverlapsRange(netipx.IPRangeFrom(from, to))
}

// parseSpan reads one entry of a list: all of it, and what of it is not a network's own.
func parseSpan(key, text string) (whole, usable netipx.IPRange, err error) {
	wrong := fmt.Errorf("%s %q is not an IPv4 prefix such as 203.0.113.0/28, a range such as 203.0.113.10-203.0.113.20, or an address", key, text)
	switch {
	case strings.Contains(text, "/"):
		prefix, err := netip.ParsePrefix(text)
		if err != nil || !prefix.Addr().Is4() {
			return whole, usable, wrong
		}
		if prefix != prefix.Masked() {
			return whole, usable, fmt.Errorf("%s %s is not the beginning of a prefix: write %s, or the range that you mean", key, text, prefix.Masked())
		}
		whole = netipx.RangeOfPrefix(prefix)
		return whole, inner(prefix, whole), nil
	case strings.Contains(text, "-"):
		first, last, _ := strings.Cut(text, "-")
		from, err1 := netip.ParseAddr(strings.TrimSpace(first))
		to, err2 := netip.ParseAddr(strings.TrimSpace(last))
		if err1 != nil || err2 != nil || !from.Is4() || !to.Is4() {
			return whole, usable, wrong
		}
		if to.Less(from) {
			return whole, usable, fmt.Errorf("%s %s ends before it begins: write %s-%s", key, text, to, from)
		}
		whole = netipx.IPRangeFrom(from, to)
		return whole, whole, nil
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is4() {
		return whole, usable, wrong
	}
	whole = netipx.IPRangeFrom(addr, addr)
	return whole, whole, nil
}

// inner leaves out what a network keeps for itself: its own address, the one after it (by custom the
// router's) and the last (broadcast). A /31 or /32 has no such addresses.
func inner(prefix netip.Prefix, whole netipx.IPRange) netipx.IPRange {
	if prefix.Bits() >= 31 {
		return whole
	}
	return netipx.IPRangeFrom(whole.From().Next().Next(), whole.To().Prev())
}

// Named are the pools whole, as the operator named them.
func (p Pool) Named() []netipx.IPRange { return p.named }

// Given is what of the pools can be given.
func (p Pool) Given() *netipx.IPSet {
	if p.given == nil {
		return &netipx.IPSet{}
	}
	return p.given
}

// Prefixes cover the pools whole.
func (p Pool) Prefixes() []netip.Prefix {
	var out []netip.Prefix
	for _, r := range p.named {
		out = r.AppendPrefixes(out)
	}
	return out
}

// all goes through the addresses that can be given, the lowest first.
func (p Pool) all() iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for _, r := range p.Given().Ranges() {
			for addr := r.From(); addr.IsValid() && !r.To().Less(addr); addr = addr.Next() {
				if !yield(addr) {
					return
				}
			}
		}
	}
}
